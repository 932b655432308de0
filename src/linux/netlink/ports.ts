import {
  bytes,
  call,
  flags,
  int32,
  type Label,
  label,
  result,
  type Step,
  type Value,
  within,
} from '../plan/index.ts';
import { type IpAddress, versionOf } from './address.ts';
import { holdSteps, roomFor } from './hold.ts';
import { mapQuery } from './map.ts';
import { batch, type Change } from './nftables.ts';
import { proxySteps } from './proxy/index.ts';
import {
  type HostPort,
  MAP,
  type PublishedPort,
  publish,
  publishedQuery,
  unpublish,
} from './published.ts';
import { conversation, questionSteps, type Request, requestSteps } from './steps.ts';

/**
 * Publishing as steps. Whoever holds a port (`hold.ts`) may say what stands in the map for it; what a
 * killed process has left there belongs to nobody.
 */
export interface Publication {
  /** Holds the ports, listens for ::1, and puts them into the map. Errors: those of `holdSteps`. */
  readonly publish: Step[];
  /** Takes them out of the map, if they came into it. The sockets go with the process. */
  readonly withdraw: Step[];
  /** What the processes do that serve ::1. */
  readonly apart: Step[];
}

/** @param table the bridge's nftables table, for each version of IP that there is a port of. */
export function publication(table: string, ports: readonly PublishedPort[]): Publication {
  const done = result('published');
  const nothing: Label = { name: 'nothing was published' };
  const held = ports.map((port) => ({ port, socket: result('socket of a port') }));
  const proxy = proxySteps(
    held.flatMap(({ port, socket }) => (isForLoopback(port) ? [{ ...port, socket }] : [])),
  );
  return {
    apart: proxy.apart,
    publish: [
      ...roomFor(ports.length),
      ...held.flatMap(({ port, socket }) => holdSteps(port, socket)),
      ...proxy.start,
      call('value', [1], 'from here on there may be something to withdraw', { save: done }),
      ...VERSIONS.flatMap((version) => publishSteps(table, of(version, ports), version)),
    ],
    withdraw: [
      ...proxy.stop,
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

/** Whether it is reached by ::1, to which no rule applies. */
function isForLoopback({ hostIp }: HostPort): boolean {
  return hostIp === '::' || hostIp === '::1';
}

/** Puts ports into an empty map again, whose containers go on to hold them. */
export function republishSteps(table: string, ports: readonly PublishedPort[]): Step[] {
  return changeSteps('publish', ports, (port) => publish(table, port));
}

/** Takes ports out of the map that nobody holds: whoever published them was killed. */
export function abandonedSteps(table: string, ports: readonly HostPort[]): Step[] {
  return VERSIONS.flatMap((version) =>
    talk(of(version, ports), (netlink, port) => {
      const taken: Label = { name: 'somebody holds it' };
      const socket = result('held for a moment');
      return [
        ...holdSteps(port, socket, taken),
        ...forgetSteps(netlink, table, port),
        call('close', [socket], 'whoever wants the port may have it', { label: taken }),
      ];
    }),
  );
}

/**
 * Puts ports that we hold into the map, all at once or none. Where that is refused, one of them is in
 * there already: what a killed process has left goes first, and then once more.
 */
function publishSteps(
  table: string,
  ports: readonly PublishedPort[],
  version: IpAddress['version'],
): Step[] {
  if (ports.length === 0) return [];
  const refused = result('refused');
  const published: Label = { name: 'published' };
  const once = (about: Pick<Request, 'save' | 'tolerate'>) =>
    changeSteps('publish', ports, (port) => publish(table, port), about);
  return [
    ...once({ tolerate: 'any', save: refused }),
    call('value', [refused], 'or is one of them in the map already?', {
      tolerate: 'any',
      jump: { on: 'zero', to: published },
    }),
    ...talk(ports, (netlink, port) => forgetSteps(netlink, table, port)),
    ...once({}),
    label(published, `their packets of IPv${version} find the container`),
  ];
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

/**
 * What stands in the map for a port that we hold. It is asked for first: a batch that is refused
 * makes the kernel wait for all its processors, some milliseconds for every port.
 */
function forgetSteps(netlink: Value, table: string, port: HostPort): Step[] {
  const nothing: Label = { name: 'nothing is there' };
  const shown = `${port.hostPort}/${port.protocol}`;
  return [
    ...questionSteps(
      netlink,
      {
        name: `is ${shown} there?`,
        message: publishedQuery(table, port),
        why: 'has a killed process left something there?',
      },
      nothing,
    ),
    ...requestSteps(netlink, {
      name: `forget ${shown}`,
      message: batch([unpublish(table, port)], versionOf(port)),
      why: 'then it goes',
      tolerate: ['ENOENT'],
    }),
    label(nothing, `nothing stands in the map for ${shown}`),
  ];
}

/** One batch for each version of IP. */
function changeSteps(
  name: 'publish' | 'withdraw',
  ports: readonly PublishedPort[],
  change: (port: PublishedPort) => Change,
  about: Pick<Request, 'save' | 'tolerate'> = name === 'withdraw' ? { tolerate: ['ENOENT'] } : {},
): Step[] {
  return VERSIONS.flatMap((version) => {
    const own = of(version, ports);
    if (own.length === 0) return [];
    const message = batch(own.map(change), version);
    return conversation('NETLINK_NETFILTER', (socket) => [
      ...roomToSend(socket, message.bytes.length),
      ...requestSteps(socket, {
        name: `${name} ${own.length} of IPv${version}`,
        message,
        why: name === 'publish' ? 'their packets find the container' : 'nobody is there any more',
        ...about,
      }),
    ]);
  });
}

/** A message must fit into the socket's buffer; a batch cannot be cut and stay one step for packets. */
function roomToSend(socket: Value, size: number): Step[] {
  if (size < LONG) return [];
  const args = [socket, flags('SOL_SOCKET'), flags('SO_SNDBUFFORCE')];
  return [call('setsockopt', [...args, bytes(int32(size), `[${size}]`), 4], 'so long a message')];
}

/** One conversation about all of them; none where there are none. */
function talk<Port extends HostPort>(
  ports: readonly Port[],
  about: (netlink: Value, port: Port) => readonly Step[],
): Step[] {
  if (ports.length === 0) return [];
  return conversation('NETLINK_NETFILTER', (netlink) =>
    ports.flatMap((port) => about(netlink, port)),
  );
}

function of<Port extends HostPort>(version: IpAddress['version'], ports: readonly Port[]): Port[] {
  return ports.filter((port) => versionOf(port) === version);
}

const VERSIONS = [4, 6] as const;
/** Bytes that fit into any socket's buffer. */
const LONG = 65_536;
