import { result, type Step, type Value } from '../plan/index.ts';
import { macOf, parseIp } from './address.ts';
import { acceptChanges, type ForwardChain, retractChanges } from './forward.ts';
import type { Known } from './message.ts';
import { type NatBridge, natChanges, tableOf } from './nat.ts';
import { batch, noTable } from './nftables.ts';
import {
  addAddress,
  addDefaultRoute,
  createBridge,
  createVeth,
  deleteLink,
  type InterfaceAddress,
  setHairpin,
  setLink,
} from './route.ts';
import { conversation, indexSteps, requestSteps } from './steps.ts';

/**
 * The container network that everybody knows: a bridge on the host, a cable from it into each
 * container, and NAT to the world. All of it can be asked for again and again.
 */

/**
 * Makes the bridge if it is not there, gives it its address, and writes its NAT rules anew.
 * `enableForwarding()` belongs to it, and `enableLocalhost()` once it is there. Errors: EOPNOTSUPP: no bridges or no nftables in this kernel.
 *
 * @param forward what `readForwardChain()` has found: a firewall that would drop the bridge's packets.
 */
export function bridgeSteps(bridge: NatBridge, forward: ForwardChain | undefined): Step[] {
  const { name, address } = bridge;
  const { version } = parseIp(address);
  const index = result(`${name} index`);
  return [
    ...conversation('NETLINK_ROUTE', (socket) => [
      ...requestSteps(socket, {
        name: `new bridge ${name}`,
        message: createBridge(name, { mac: macOf(address) }),
        why: 'a switch on the host, with an address that does not change when cables come and go',
        tolerate: ['EEXIST'],
      }),
      ...indexSteps(socket, name, index),
      ...requestSteps(socket, {
        name: `address of ${name}`,
        message: addAddress(index, bridge),
        why: `${address}, the gateway of its containers`,
        tolerate: ['EEXIST'],
      }),
      ...requestSteps(socket, {
        name: `${name} up`,
        message: setLink(name, { up: true }),
        why: 'switch it on',
      }),
    ]),
    ...conversation('NETLINK_NETFILTER', (socket) =>
      requestSteps(socket, {
        name: `rules of ${name}`,
        message: batch([...natChanges(bridge), ...acceptChanges(name, forward)], version),
        why: 'containers reach the world with our address, and nobody reaches them unasked',
      }),
    ),
  ];
}

/** Takes the bridge and its rules away, as far as they are there. Cables in it are left loose. */
export function removeBridgeSteps(bridge: NatBridge, forward: ForwardChain | undefined): Step[] {
  const { name } = bridge;
  const { version } = parseIp(bridge.address);
  return [
    ...conversation('NETLINK_NETFILTER', (socket) =>
      requestSteps(socket, {
        name: `no rules of ${name}`,
        message: batch([...retractChanges(name, forward), ...noTable(tableOf(bridge))], version),
        why: 'its rules, also those in the chain FORWARD',
      }),
    ),
    ...conversation('NETLINK_ROUTE', (socket) =>
      requestSteps(socket, {
        name: `no bridge ${name}`,
        message: deleteLink(name),
        why: 'and the bridge',
        tolerate: ['ENODEV'],
      }),
    ),
  ];
}

/** Takes a cable away, if it is there, by its end on the host. */
export function removeCableSteps(hostEnd: string): Step[] {
  return conversation('NETLINK_ROUTE', (socket) =>
    requestSteps(socket, {
      name: `no cable ${hostEnd}`,
      message: deleteLink(hostEnd),
      why: 'both of its ends',
      tolerate: ['ENODEV'],
    }),
  );
}

/** How a container is attached to a bridge. */
export interface ContainerNetwork {
  /** The bridge's name; without one the cable's end on the host stays unplugged. */
  readonly bridge?: string | undefined;
  /** The name of the cable's end on the host, at most 15 bytes, new. */
  readonly hostEnd: string;
  /** What `eth0` is known by in the container, and where it sends what goes further. */
  readonly addresses: readonly (InterfaceAddress & { readonly gateway?: string | undefined })[];
  /** It publishes ports, by which it may call itself. */
  readonly hairpin?: boolean | undefined;
  /** Bytes of the largest packet, for both ends. */
  readonly mtu?: number | undefined;
}

/**
 * What attaches a container: `shim` in the host's network namespace, where `netns` is an fd of the
 * container's; then `init` in that namespace, needing CAP_NET_ADMIN in it. The cable goes when the
 * namespace goes, so there is nothing to clear away.
 */
export function containerNetworkSteps(network: ContainerNetwork): {
  shim: (netns: Known) => Step[];
  init: Step[];
} {
  const { bridge, hostEnd, addresses, hairpin, mtu } = network;
  const [first] = addresses;
  const mac = first === undefined ? undefined : macOf(first.address);
  const peer = { name: ETH0, settings: { mac, mtu } };
  const master = bridge === undefined ? undefined : result(`${bridge} index`);
  const settings = { up: true, master, mtu };
  return {
    shim: (netns) =>
      conversation('NETLINK_ROUTE', (socket) => [
        ...(bridge === undefined || master === undefined ? [] : indexSteps(socket, bridge, master)),
        ...requestSteps(socket, {
          name: `new cable ${hostEnd}`,
          message: createVeth({ name: hostEnd, settings, peer: { ...peer, netns } }),
          why: 'one end plugged into the bridge, the other already in the container, as eth0',
        }),
        ...(hairpin === true
          ? requestSteps(socket, {
              name: `hairpin of ${hostEnd}`,
              message: setHairpin(hostEnd),
              why: 'it may call itself by the ports that it publishes',
            })
          : []),
      ]),
    init: conversation('NETLINK_ROUTE', (socket) => [
      ...loopbackUp(socket),
      ...configure(socket, addresses),
    ]),
  };
}

/** For a container that sees nobody: its own loopback and nothing else. */
export function loopbackSteps(): Step[] {
  return conversation('NETLINK_ROUTE', loopbackUp);
}

function loopbackUp(socket: Value): Step[] {
  return requestSteps(socket, {
    name: 'lo up',
    message: setLink('lo', { up: true }),
    why: 'a new namespace has a loopback, but it is off',
  });
}

/** First up, then addresses: IPv6 gives routes to addresses only on an interface that is up. */
function configure(socket: Value, addresses: ContainerNetwork['addresses']): Step[] {
  const index = result(`${ETH0} index`);
  return [
    ...indexSteps(socket, ETH0, index),
    ...requestSteps(socket, {
      name: `${ETH0} up`,
      message: setLink(ETH0, { up: true }),
      why: "the container's end of the cable",
    }),
    ...addresses.flatMap((own) =>
      requestSteps(socket, {
        name: `address ${own.address}`,
        message: addAddress(index, own),
        why: `this container is ${own.address}`,
      }),
    ),
    ...addresses.flatMap(({ gateway }) =>
      gateway === undefined
        ? []
        : requestSteps(socket, {
            name: `default route ${gateway}`,
            message: addDefaultRoute(gateway, index),
            why: 'everybody else is reached through the bridge',
          }),
    ),
  ];
}

const ETH0 = 'eth0';
