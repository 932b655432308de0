import type { IpAddress } from './address.ts';
import { attribute, be32, type Chunk, cstring, nested, raw, u32 } from './message.ts';

/**
 * What a rule of nftables is made of: small expressions that load something into a register,
 * compare it, and decide; the first comparison that fails ends the rule. `nft --debug=netlink list
 * ruleset` prints them. Source: `linux/netfilter/nf_tables.h`; each attribute has its number there.
 */
export type Expression = Chunk;

export type Verdict = 'drop' | 'accept';
/** In the order of their numbers: NF_DROP is 0, NF_ACCEPT is 1. */
export const VERDICTS: readonly Verdict[] = ['drop', 'accept'];

/** `iifname "cloche0"`, `oifname != "cloche0"`: the interface that it comes from or goes to. */
export function interfaceIs(
  direction: 'in' | 'out',
  name: string,
  operator: '==' | '!=' = '==',
): Expression[] {
  const key = direction === 'in' ? META_IIFNAME : META_OIFNAME;
  return [
    expression('meta', attribute(2, be32(key)), attribute(1, be32(REGISTER))),
    compare(operator, cstring(name)),
  ];
}

/** `ip saddr 10.88.0.0/16`, `ip6 daddr fd00::/64`; both in network order, of four or sixteen bytes. */
export function addressIn(
  which: 'source' | 'destination',
  network: Uint8Array,
  mask: Uint8Array,
  operator: '==' | '!=' = '==',
): Expression[] {
  const load = loadAddress(which, network.length, REGISTER);
  return [load, masked(mask), compare(operator, raw(network))];
}

/** The address of the IP header into a register; `bytes` says of which version. */
export function loadAddress(
  which: 'source' | 'destination',
  bytes: number,
  register: number,
): Expression {
  const source = bytes === 4 ? IPV4_SOURCE_OFFSET : IPV6_SOURCE_OFFSET;
  const offset = which === 'source' ? source : source + bytes;
  return payload({ header: PAYLOAD_NETWORK_HEADER, offset, bytes }, register);
}

/** `th dport`: of TCP, UDP and their like. */
export function loadPort(register: number): Expression {
  return payload({ header: PAYLOAD_TRANSPORT_HEADER, offset: 2, bytes: 2 }, register);
}

/** `meta l4proto` */
export function loadProtocol(register: number): Expression {
  return expression('meta', attribute(2, be32(META_L4PROTO)), attribute(1, be32(register)));
}

/** register = (register & mask) ^ 0 */
export function masked(bits: Uint8Array, register = REGISTER): Expression {
  return expression(
    'bitwise',
    attribute(1, be32(register)),
    attribute(2, be32(register)),
    attribute(3, be32(bits.length)),
    nested(4, attribute(DATA_VALUE, raw(bits))),
    nested(5, attribute(DATA_VALUE, raw(new Uint8Array(bits.length)))),
  );
}

/** `fib daddr type local`: it is for one of this host's own addresses. */
export function isForUs(): Expression[] {
  return [
    expression(
      'fib',
      attribute(1, be32(REGISTER)),
      attribute(2, be32(FIB_ADDRESS_TYPE)),
      attribute(3, be32(FIB_DESTINATION)),
    ),
    compare('==', u32(RTN_LOCAL)),
  ];
}

/** Finds in a map what lies in the registers from `key` on; a key that is not in it ends the rule. */
export function lookUp(map: string, key: number, into: number): Expression {
  return expression(
    'lookup',
    attribute(1, cstring(map)),
    attribute(2, be32(key)),
    attribute(3, be32(into)),
  );
}

/** `dnat to ADDRESS:PORT`, as they lie in those registers. */
export function rewriteDestination(
  version: IpAddress['version'],
  address: number,
  port: number,
): Expression {
  return expression(
    'nat',
    attribute(1, be32(NAT_DESTINATION)),
    attribute(2, be32(version === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6)),
    attribute(3, be32(address)),
    attribute(5, be32(port)),
  );
}

/** `ct state established,related`: it belongs to a conversation that somebody inside began. */
export function isAnswer(): Expression[] {
  return conntrackHas(CT_STATE, CT_ESTABLISHED | CT_RELATED);
}

/** `ct status dnat`: its destination was rewritten, as for a published port. */
export function isPublished(): Expression[] {
  return conntrackHas(CT_STATUS, IPS_DST_NAT);
}

/** `accept`, `drop`: the rule's decision. */
export function verdict(decision: Verdict): Expression {
  const code = nested(DATA_VERDICT, attribute(1, be32(VERDICTS.indexOf(decision))));
  return expression('immediate', attribute(1, be32(VERDICT_REGISTER)), nested(2, code));
}

/** `masquerade`: it leaves with the address of the interface that it leaves through. */
export function masquerade(): Expression {
  return expression('masq');
}

/** `counter`: how many packets and bytes came by. */
export function counter(): Expression {
  return expression('counter');
}

/** Any of these bits, in a word of the connection's entry; the word is in this machine's order. */
function conntrackHas(key: number, bits: number): Expression[] {
  return [
    expression('ct', attribute(2, be32(key)), attribute(1, be32(REGISTER))),
    masked(u32(bits).bytes),
    compare('!=', u32(0)),
  ];
}

function compare(operator: '==' | '!=', content: Chunk): Expression {
  return expression(
    'cmp',
    attribute(1, be32(REGISTER)),
    attribute(2, be32(operator === '==' ? 0 : 1)),
    nested(3, attribute(DATA_VALUE, content)),
  );
}

function payload(
  { header, offset, bytes }: { header: number; offset: number; bytes: number },
  register: number,
): Expression {
  return expression(
    'payload',
    attribute(1, be32(register)),
    attribute(2, be32(header)),
    attribute(3, be32(offset)),
    attribute(4, be32(bytes)),
  );
}

function expression(name: string, ...attributes: readonly Chunk[]): Expression {
  return nested(
    LIST_ELEMENT,
    attribute(EXPRESSION_NAME, cstring(name)),
    nested(EXPRESSION_DATA, ...attributes),
  );
}

const LIST_ELEMENT = 1;
const EXPRESSION_NAME = 1;
const EXPRESSION_DATA = 2;
const DATA_VALUE = 1;
const DATA_VERDICT = 2;
const VERDICT_REGISTER = 0;
/** 16 bytes to load into and compare with. */
const REGISTER = 1;
const META_IIFNAME = 6;
const META_OIFNAME = 7;
const META_L4PROTO = 16;
const PAYLOAD_NETWORK_HEADER = 1;
const PAYLOAD_TRANSPORT_HEADER = 2;
const IPV4_SOURCE_OFFSET = 12;
const IPV6_SOURCE_OFFSET = 8;
const FIB_ADDRESS_TYPE = 3;
const FIB_DESTINATION = 2;
const RTN_LOCAL = 2;
const NAT_DESTINATION = 1;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const CT_STATE = 0;
const CT_STATUS = 2;
const CT_ESTABLISHED = 2;
const CT_RELATED = 4;
const IPS_DST_NAT = 32;
