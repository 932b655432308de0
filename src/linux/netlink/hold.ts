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
  type Step,
  type Value,
  value,
} from '../plan/index.ts';
import { type IpAddress, parseIp, socketAddress } from './address.ts';
import type { HostPort } from './published.ts';

/**
 * A port of the host is *held* by a socket that is bound: by it the kernel tells us that somebody else
 * has the port, and tells others that we have it. No packet comes to that socket, since the map sends
 * them on before; but those for ::1, which cannot be sent on (`proxy/`).
 */

/** Sockets that fit into any process's limit together with what else it has open. */
const MANY = 200;
const LIMITS = buffer('limits of open files', 16);

/**
 * @param socket where it is saved.
 * @param taken where to go on when somebody else has the port; without, it is needed, and the step fails.
 * Errors of bind: EADDRINUSE, EADDRNOTAVAIL, EACCES.
 */
export function holdSteps(port: HostPort, socket: Value, taken?: Label): Step[] {
  const { hostIp, hostPort, protocol } = port;
  const { version } = parseIp(hostIp);
  const shown = version === 4 ? `${hostIp}:${hostPort}` : `[${hostIp}]:${hostPort}`;
  const name = socketAddress(hostIp, hostPort);
  const address = [socket, bytes(name, shown), name.length];
  const to = taken === undefined ? {} : { jump: { on: 'negative', to: taken } as const };
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
    call('socket', [family, flags('SOCK_STREAM', 'SOCK_NONBLOCK', 'SOCK_CLOEXEC'), 0], why, {
      save: socket,
    }),
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

const ONE = bytes(int32(1), '[1]');
