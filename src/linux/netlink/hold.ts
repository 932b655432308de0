import {
  buffer,
  bytes,
  call,
  flags,
  int32,
  jump,
  type Label,
  label,
  pointer,
  result,
  type Step,
  type Value,
  value,
} from '../plan/index.ts';
import { type IpAddress, parseIp } from './address.ts';
import type { HostPort } from './published.ts';

/**
 * A port of the host is *held* by a socket that is bound and never used: by it the kernel tells us
 * that somebody else has the port, and tells others that we have it. No packet comes to that socket,
 * since the map sends them on before; only ::1, which cannot be sent on, is refused by it.
 */

/** Sockets that fit into any process's limit together with what else it has open. */
const MANY = 200;
const LIMITS = buffer('limits of open files', 16);

/** A port that is only asked for: its socket, and where to go on when somebody else has it. */
export interface Asked {
  readonly socket: Value;
  readonly taken: Label;
}

/**
 * @param asked without, the port is needed: the step fails when somebody has it.
 * Errors of bind: EADDRINUSE, EADDRNOTAVAIL, EACCES.
 */
export function holdSteps(port: HostPort, asked?: Asked): Step[] {
  const { hostIp, hostPort, protocol } = port;
  const { version } = parseIp(hostIp);
  const shown = version === 4 ? `${hostIp}:${hostPort}` : `[${hostIp}]:${hostPort}`;
  const socket = asked?.socket ?? result(`socket of ${shown}/${protocol}`);
  const name = addressOf(port);
  const address = [socket, bytes(name, shown), name.length];
  const to = asked === undefined ? {} : { jump: { on: 'negative', to: asked.taken } as const };
  const family = flags(version === 4 ? 'AF_INET' : 'AF_INET6');
  const why = `publish ${shown}/${protocol}`;
  const again: Label = { name: 'try again' };
  const held: Label = { name: 'held' };
  if (protocol === 'udp')
    return [
      call('socket', [family, flags('SOCK_DGRAM', 'SOCK_CLOEXEC'), 0], why, { save: socket }),
      ...onlyIpv6(socket, version),
      call('bind', address, why, to),
    ];
  return [
    call('socket', [family, flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0], why, { save: socket }),
    ...onlyIpv6(socket, version),
    call('bind', address, why, { jump: { on: 'negative', to: again } }),
    jump(held, 'it is ours', { pause: false }),
    call(
      'setsockopt',
      [socket, flags('SOL_SOCKET'), flags('SO_REUSEADDR'), ONE, 4],
      'perhaps there are only connections that have ended a moment ago',
      { label: again },
    ),
    call('bind', address, why, to),
    label(held, 'no other program of the host gets it'),
  ];
}

function onlyIpv6(socket: Value, version: IpAddress['version']): Step[] {
  const args = [socket, flags('IPPROTO_IPV6'), flags('IPV6_V6ONLY'), ONE, 4];
  return version === 4 ? [] : [call('setsockopt', args, 'and not the same port of IPv4')];
}

/**
 * So many sockets may be more than a process has by default. What it may have at most it may always
 * take; beyond that the socket fails with EMFILE.
 */
export function roomFor(ports: number): Step[] {
  if (ports < MANY) return [];
  const [soft, hard] = [value(LIMITS, 0), value(LIMITS, 8)];
  const limit = flags('RLIMIT_NOFILE');
  return [
    call('prlimit64', [0, limit, 0, pointer(LIMITS)], 'how many files may we have open?'),
    call('value', [hard], 'as many as we may allow ourselves', { save: soft, tolerate: 'any' }),
    call('prlimit64', [0, limit, pointer(LIMITS), 0], `${ports} ports are as many sockets`),
  ];
}

/** `sockaddr_in`, `sockaddr_in6`. Source: ip(7), ipv6(7). */
function addressOf({ hostIp, hostPort }: HostPort): Uint8Array {
  const { version, bytes: address } = parseIp(hostIp);
  const port = [hostPort >> 8, hostPort & 0xff];
  return version === 4
    ? Uint8Array.of(AF_INET, 0, ...port, ...address, 0, 0, 0, 0, 0, 0, 0, 0)
    : Uint8Array.of(AF_INET6, 0, ...port, 0, 0, 0, 0, ...address, 0, 0, 0, 0);
}

const AF_INET = 2;
const AF_INET6 = 10;
const ONE = bytes(int32(1), '[1]');
