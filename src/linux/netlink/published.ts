import { type IpAddress, parseIp, versionOf } from './address.ts';
import {
  type Expression,
  isForUs,
  loadAddress,
  loadPort,
  loadProtocol,
  lookUp,
  masked,
  rewriteDestination,
} from './expressions.ts';
import { addEntry, entryQuery, newMap, removeEntry } from './map.ts';
import type { Chunk } from './message.ts';
import type { Change } from './nftables.ts';

/**
 * Published ports. All of them stand in one map of the table of their bridge:
 *
 * ```text
 * map published { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
 *   elements = { 0.0.0.0 . tcp . 8080 : 10.88.0.2 . 80, 127.0.0.1 . udp . 53 : 10.88.0.3 . 53 }
 * }
 * ```
 *
 * so that the first packet of a connection finds its container by hashing, however many there are:
 * once with the address that it was sent to, and where that is not in the map with 0.0.0.0, which
 * stands for all. The rest of the connection follows what conntrack remembers.
 */
export interface PublishedPort extends HostPort {
  /** The container's address, of the same version. */
  readonly ip: string;
  readonly port: number;
}

/** A port of this host. */
export interface HostPort {
  readonly protocol: 'tcp' | 'udp';
  /** An address of this host; `0.0.0.0` or `::` stands for all of its version. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/** Its name, in the table of each bridge. */
export const MAP = 'published';

/** The map, empty. */
export function publishedMap(table: string, version: IpAddress['version']): Change {
  const address = version === 4 ? { bytes: 4, type: TYPE_IPV4 } : { bytes: 16, type: TYPE_IPV6 };
  return newMap({
    table,
    name: MAP,
    key: {
      bytes: address.bytes + 8,
      types: (address.type << 12) | (TYPE_PROTOCOL << 6) | TYPE_PORT,
    },
    data: { bytes: address.bytes + 4, types: (address.type << 6) | TYPE_PORT },
  });
}

/** What the chains that see a packet first do with it: look, and look again for any address. */
export function publishedRules(version: IpAddress['version']): Expression[][] {
  const bytes = version === 4 ? 4 : 16;
  const afterAddress = REGISTER + bytes / 4;
  const rule = (...address: readonly Expression[]) => [
    ...isForUs(),
    ...address,
    loadProtocol(afterAddress),
    loadPort(afterAddress + 1),
    lookUp(MAP, REGISTER, REGISTER),
    rewriteDestination(version, REGISTER, afterAddress),
  ];
  return [
    rule(loadAddress('destination', bytes, REGISTER)),
    rule(loadAddress('destination', bytes, REGISTER), masked(new Uint8Array(bytes), REGISTER)),
  ];
}

/** Errors: EEXIST: that port of the host belongs to another container; ENOENT: no such table. */
export function publish(table: string, port: PublishedPort): Change {
  return addEntry(table, MAP, keyOf(port), words(parseIp(port.ip).bytes, be16(port.port)));
}

/** Errors: ENOENT: it is not published, or there is no such table. */
export function unpublish(table: string, port: HostPort): Change {
  return removeEntry(table, MAP, keyOf(port));
}

/** Whether something stands in the map for it. Errors: ENOENT: nothing. */
export function publishedQuery(table: string, port: HostPort): Chunk {
  return entryQuery(table, MAP, keyOf(port), versionOf(port));
}

function keyOf({ hostIp, protocol, hostPort }: HostPort): Uint8Array {
  return words(parseIp(hostIp).bytes, Uint8Array.of(PROTOCOLS[protocol]), be16(hostPort));
}

/** Parts of a key, each filled up to four bytes. */
function words(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => [...part, ...Array((4 - (part.length % 4)) % 4).fill(0)]),
  );
}

function be16(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}

const PROTOCOLS = { tcp: 6, udp: 17 } as const;
/** The first of the sixteen registers of four bytes. */
const REGISTER = 8;
/** How `nft` shows it. Source: `enum datatypes` of nftables. */
const TYPE_IPV4 = 7;
const TYPE_IPV6 = 8;
const TYPE_PROTOCOL = 12;
const TYPE_PORT = 13;
