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

/** `ip saddr 10.88.0.0/16`, both in network order. */
export function sourceIn(network: Uint8Array, mask: Uint8Array): Expression[] {
  return [
    expression(
      'payload',
      attribute(1, be32(REGISTER)),
      attribute(2, be32(PAYLOAD_NETWORK_HEADER)),
      attribute(3, be32(IPV4_SOURCE_OFFSET)),
      attribute(4, be32(network.length)),
    ),
    masked(mask),
    compare('==', raw(network)),
  ];
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

/** register = (register & mask) ^ 0 */
function masked(bits: Uint8Array): Expression {
  return expression(
    'bitwise',
    attribute(1, be32(REGISTER)),
    attribute(2, be32(REGISTER)),
    attribute(3, be32(bits.length)),
    nested(4, attribute(DATA_VALUE, raw(bits))),
    nested(5, attribute(DATA_VALUE, raw(new Uint8Array(bits.length)))),
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
const PAYLOAD_NETWORK_HEADER = 1;
const IPV4_SOURCE_OFFSET = 12;
const CT_STATE = 0;
const CT_STATUS = 2;
const CT_ESTABLISHED = 2;
const CT_RELATED = 4;
const IPS_DST_NAT = 32;
