import { broadcastOf, parseIp, parseMac } from './address.ts';
import {
  attribute,
  type Chunk,
  cstring,
  type Known,
  message,
  NLM,
  nested,
  raw,
  u8,
  u16,
  u32,
} from './message.ts';

/**
 * The requests of rtnetlink that a container's network needs: links, addresses, routes.
 * Source: rtnetlink(7), `linux/rtnetlink.h`, `linux/if_link.h`.
 */
const RTM = { NEWLINK: 16, DELLINK: 17, NEWADDR: 20, NEWROUTE: 24 } as const;
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  MASTER: 10,
  LINKINFO: 18,
  NET_NS_FD: 28,
} as const;
const IFLA_INFO = { KIND: 1, DATA: 2, PORT_KIND: 4, PORT_DATA: 5 } as const;
const BRIDGE_PORT_MODE = 4;
const VETH_INFO_PEER = 1;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4 } as const;
const RTA = { OIF: 4, GATEWAY: 5 } as const;
const IFF_UP = 1;
/** The longest name of a device, in bytes. */
const NAME_MAX = 15;

/** What can be said of a link, when it is made and later. */
export interface LinkSettings {
  readonly up?: boolean | undefined;
  /** Bytes of the largest packet. */
  readonly mtu?: number | undefined;
  /** `02:42:0a:58:00:02` */
  readonly mac?: string | undefined;
  /** The index of the bridge that it becomes a port of. */
  readonly master?: Known | undefined;
}

/** Changes a link that there is, found by its name. Errors: ENODEV. */
export function setLink(name: string, settings: LinkSettings): Chunk {
  return message({ type: RTM.NEWLINK, flags: NLM.ACK }, ...link(name, settings));
}

/** Errors: EEXIST, there is a link of that name, perhaps of another kind. */
export function createBridge(name: string, settings: LinkSettings = {}): Chunk {
  return message(
    { type: RTM.NEWLINK, flags: NLM.ACK | NLM.CREATE | NLM.EXCL },
    ...link(name, settings),
    linkInfo('bridge'),
  );
}

export interface Veth {
  /** The end in the network namespace of the asking process. */
  readonly name: string;
  readonly settings?: LinkSettings;
  readonly peer: {
    readonly name: string;
    readonly settings?: LinkSettings;
    /** An fd of the asking process: the network namespace in which the peer is made. */
    readonly netns: Known;
  };
}

/**
 * Two ends of a cable. The peer is made in its namespace at once, so there is no moment at which its
 * name could clash with one of the host's. When either end goes, so does the other.
 * Errors: EEXIST; EBADF, EINVAL: no such namespace; ENODEV: no such master. Source: veth(4).
 */
export function createVeth({ name, settings = {}, peer }: Veth): Chunk {
  return message(
    { type: RTM.NEWLINK, flags: NLM.ACK | NLM.CREATE | NLM.EXCL },
    ...link(name, settings),
    linkInfo(
      'veth',
      nested(
        VETH_INFO_PEER,
        ...link(peer.name, peer.settings ?? {}),
        attribute(IFLA.NET_NS_FD, u32(peer.netns)),
      ),
    ),
  );
}

/**
 * Lets the port of a bridge get frames back that it has sent in: a container's own, when it calls
 * itself by a published port. Errors: ENODEV; EOPNOTSUPP: it is in no bridge.
 */
export function setHairpin(name: string): Chunk {
  return message(
    { type: RTM.NEWLINK, flags: NLM.ACK },
    ...link(name, {}),
    nested(
      IFLA.LINKINFO,
      attribute(IFLA_INFO.PORT_KIND, cstring('bridge')),
      nested(IFLA_INFO.PORT_DATA, attribute(BRIDGE_PORT_MODE, u8(1))),
    ),
  );
}

/** Errors: ENODEV; EOPNOTSUPP for `lo`. */
export function deleteLink(name: string): Chunk {
  return message({ type: RTM.DELLINK, flags: NLM.ACK }, ...link(name, {}));
}

export interface InterfaceAddress {
  /** IPv4 or IPv6. */
  readonly address: string;
  /** The number of bits of the network's part. */
  readonly prefix: number;
}

/**
 * Gives an interface an address. One of IPv6 may be used at once, without asking the neighbours
 * whether somebody has it already: we hand them out ourselves.
 * Errors: EEXIST; ENODEV: no such interface; EACCES: IPv6 is switched off there.
 */
export function addAddress(index: Known, { address, prefix }: InterfaceAddress): Chunk {
  const ip = parseIp(address);
  const withBroadcast = ip.version === 4 && prefix < 31;
  const broadcast = broadcastOf(ip, prefix);
  return message(
    { type: RTM.NEWADDR, flags: NLM.ACK | NLM.CREATE | NLM.EXCL },
    u8(familyOf(ip.version), prefix, ip.version === 6 ? IFA_F_NODAD : 0, SCOPE_UNIVERSE),
    u32(index),
    attribute(IFA.LOCAL, raw(ip.bytes)),
    attribute(IFA.ADDRESS, raw(ip.bytes)),
    ...(withBroadcast ? [attribute(IFA.BROADCAST, raw(broadcast))] : []),
  );
}

/**
 * Everything that has no other way goes to `gateway`. The interface must be up and the gateway must
 * lie in one of its networks. Errors: EEXIST; ENETUNREACH, or for IPv6 EHOSTUNREACH: it does not.
 */
export function addDefaultRoute(gateway: string, index: Known): Chunk {
  const ip = parseIp(gateway);
  return message(
    { type: RTM.NEWROUTE, flags: NLM.ACK | NLM.CREATE | NLM.EXCL },
    u8(familyOf(ip.version), 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, SCOPE_UNIVERSE, RTN_UNICAST),
    u32(0),
    attribute(RTA.GATEWAY, raw(ip.bytes)),
    attribute(RTA.OIF, u32(index)),
  );
}

const IFA_F_NODAD = 2;
const SCOPE_UNIVERSE = 0;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;

/** AF_INET and AF_INET6. */
function familyOf(version: 4 | 6): number {
  return version === 4 ? 2 : 10;
}

/** The ifinfomsg and what is asked for. Its index is 0: the kernel finds the link by the name. */
function link(name: string, { up, mtu, mac, master }: LinkSettings): Chunk[] {
  if (name === '' || new TextEncoder().encode(name).length > NAME_MAX)
    throw new RangeError(`a link's name has 1 to ${NAME_MAX} bytes, '${name}' has not`);
  return [
    u8(0, 0),
    u16(0),
    u32(0),
    u32(up === true ? IFF_UP : 0),
    u32(up === undefined ? 0 : IFF_UP),
    attribute(IFLA.IFNAME, cstring(name)),
    ...(mtu === undefined ? [] : [attribute(IFLA.MTU, u32(mtu))]),
    ...(mac === undefined ? [] : [attribute(IFLA.ADDRESS, raw(parseMac(mac)))]),
    ...(master === undefined ? [] : [attribute(IFLA.MASTER, u32(master))]),
  ];
}

function linkInfo(kind: string, ...data: readonly Chunk[]): Chunk {
  return nested(
    IFLA.LINKINFO,
    attribute(IFLA_INFO.KIND, cstring(kind)),
    ...(data.length === 0 ? [] : [nested(IFLA_INFO.DATA, ...data)]),
  );
}
