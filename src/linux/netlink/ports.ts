import {
  bytes,
  call,
  flags,
  int32,
  jump,
  type Label,
  label,
  result,
  type Step,
  type Value,
  within,
} from '../plan/index.ts';
import { type IpAddress, parseIp } from './address.ts';
import { mapQuery } from './map.ts';
import { batch, type Change } from './nftables.ts';
import {
  type HostPort,
  MAP,
  type PublishedPort,
  publish,
  unpublish,
  versionOf,
} from './published.ts';
import { conversation, requestSteps } from './steps.ts';

/**
 * Publishing as steps. A port is *held* by a socket that is bound and never used: by it the kernel
 * tells us that somebody else has the port, and tells others that we have it. No packet comes to
 * that socket, since the map sends them on before; only ::1, which cannot be sent on, is refused
 * by it. Whoever holds a port may say what stands in the map for it; what a killed process has left
 * there belongs to nobody.
 */
export interface Publication {
  /** Holds the ports and puts them into the map. Errors of bind: EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  readonly publish: Step[];
  /** Takes them out of the map, if they came into it. The sockets go with the process. */
  readonly withdraw: Step[];
}

/** @param table the bridge's nftables table, for each version of IP that there is a port of. */
export function publication(table: string, ports: readonly PublishedPort[]): Publication {
  const done = result('published');
  const nothing: Label = { name: 'nothing was published' };
  return {
    publish: [
      ...ports.flatMap((port) => holdSteps(port)),
      ...ports.flatMap((port) => forgetSteps(table, port)),
      call('value', [1], 'from here on there may be something to withdraw', { save: done }),
      ...changeSteps('publish', ports, (port) => publish(table, port)),
    ],
    withdraw: [
      call('value', [done], 'has anything been published?', { jump: { on: 'zero', to: nothing } }),
      // What cannot be taken out is left to others: our own cleaning goes on.
      ...within(
        { onFail: nothing },
        changeSteps('withdraw', ports, (port) => unpublish(table, port)),
      ),
      label(nothing, 'no port leads here'),
    ],
  };
}

/** Puts ports into an empty map again, whose containers go on to hold them. */
export function republishSteps(table: string, ports: readonly PublishedPort[]): Step[] {
  return changeSteps('publish', ports, (port) => publish(table, port));
}

/** Takes ports out of the map that nobody holds: whoever published them was killed. */
export function abandonedSteps(table: string, ports: readonly HostPort[]): Step[] {
  return ports.flatMap((port) => {
    const taken: Label = { name: 'somebody holds it' };
    return [...holdSteps(port, taken), ...forgetSteps(table, port), label(taken, 'the next one')];
  });
}

/** Asks whether the table of a bridge is there, with its map. Errors: ENOENT. */
export function mapSteps(table: string, version: IpAddress['version']): Step[] {
  return conversation('NETLINK_NETFILTER', (socket) =>
    requestSteps(socket, {
      name: `the map of ${table}`,
      message: mapQuery(table, MAP, version),
      why: 'somebody may have flushed all rules of this host',
    }),
  );
}

/** @param taken where to go on when somebody has the port; without, the step fails. */
function holdSteps(port: HostPort, taken?: Label): Step[] {
  const { hostIp, hostPort, protocol } = port;
  const { version } = parseIp(hostIp);
  const shown = version === 4 ? `${hostIp}:${hostPort}` : `[${hostIp}]:${hostPort}`;
  const socket = result(`socket of ${shown}/${protocol}`);
  const name = addressOf(port);
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

/** What stands in the map for a port that we hold. */
function forgetSteps(table: string, port: HostPort): Step[] {
  return conversation('NETLINK_NETFILTER', (socket) =>
    requestSteps(socket, {
      name: `forget ${port.hostPort}/${port.protocol}`,
      message: batch([unpublish(table, port)], versionOf(port)),
      why: 'what a killed process has left there',
      tolerate: ['ENOENT'],
    }),
  );
}

/** One batch for each version of IP. */
function changeSteps(
  name: 'publish' | 'withdraw',
  ports: readonly PublishedPort[],
  change: (port: PublishedPort) => Change,
): Step[] {
  return ([4, 6] as const).flatMap((version) => {
    const own = ports.filter((port) => versionOf(port) === version);
    if (own.length === 0) return [];
    return conversation('NETLINK_NETFILTER', (socket) =>
      requestSteps(socket, {
        name: `${name} ${own.length} of IPv${version}`,
        message: batch(own.map(change), version),
        why: name === 'publish' ? 'their packets find the container' : 'nobody is there any more',
        ...(name === 'withdraw' ? { tolerate: ['ENOENT'] } : {}),
      }),
    );
  });
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
