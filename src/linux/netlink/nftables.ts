import type { IpAddress } from './address.ts';
import { type Expression, VERDICTS, type Verdict } from './expressions.ts';
import {
  attribute,
  be32,
  type Chunk,
  cstring,
  join,
  message,
  NLM,
  nested,
  raw,
  u8,
  u16,
} from './message.ts';

/**
 * The part of nftables that we need: tables, chains and rules as messages. There is no
 * `nft` program on a fresh machine, so we speak to the kernel ourselves.
 * Source: `linux/netfilter/nf_tables.h`, `linux/netfilter/nfnetlink.h`.
 */

/** One change; a batch of them is done as a whole or not at all. */
export interface Change {
  readonly type: number;
  readonly flags: number;
  readonly content: Chunk;
}

/**
 * The changes as one message to send. Only the last one asks for an acknowledgement: the kernel
 * answers a change that fails without being asked, and before that one, so the first answer tells
 * how the whole batch went. All of it is about tables of that version of IP.
 */
export function batch(changes: readonly Change[], version: IpAddress['version'] = 4): Chunk {
  const messages = changes.map(({ type, flags, content }, i) =>
    message(
      {
        type: (NFNL_SUBSYS_NFTABLES << 8) | type,
        flags: flags | (i === changes.length - 1 ? NLM.ACK : 0),
        sequence: i + 1,
      },
      nfgenmsg(familyOf(version), 0),
      content,
    ),
  );
  const edge = (type: number, sequence: number) =>
    message({ type, flags: 0, sequence }, nfgenmsg(0, NFNL_SUBSYS_NFTABLES));
  return join([
    edge(NFNL_MSG_BATCH_BEGIN, 0),
    ...messages,
    edge(NFNL_MSG_BATCH_END, changes.length + 1),
  ]);
}

/** A question outside of any batch: the chain of that name (GETCHAIN), or all rules in it (GETRULE). */
export function chainQuery(
  what: 'chain' | 'rules',
  { table, chain, version = 4 }: { table: string; chain: string; version?: IpAddress['version'] },
): Chunk {
  const names =
    what === 'chain'
      ? [attribute(CHAIN.TABLE, cstring(table)), attribute(CHAIN.NAME, cstring(chain))]
      : [attribute(RULE.TABLE, cstring(table)), attribute(RULE.CHAIN, cstring(chain))];
  const type =
    (NFNL_SUBSYS_NFTABLES << 8) | (what === 'chain' ? NFT_MSG.GETCHAIN : NFT_MSG.GETRULE);
  const flags = what === 'chain' ? 0 : NLM.DUMP;
  return message({ type, flags }, nfgenmsg(familyOf(version), 0), ...names);
}

/**
 * Makes the table anew and empty, whether it was there or not: packets never meet a moment without
 * its rules, since a batch is one step for them.
 */
export function freshTable(name: string): Change[] {
  return [newTable(name), deleteTable(name), newTable(name)];
}

/** Takes the table away if there is one. */
export function noTable(name: string): Change[] {
  return [newTable(name), deleteTable(name)];
}

function newTable(name: string): Change {
  const content = attribute(TABLE_NAME, cstring(name));
  return { type: NFT_MSG.NEWTABLE, flags: NLM.CREATE, content };
}

function deleteTable(name: string): Change {
  return { type: NFT_MSG.DELTABLE, flags: 0, content: attribute(TABLE_NAME, cstring(name)) };
}

export interface BaseChain {
  readonly table: string;
  readonly name: string;
  readonly type: 'filter' | 'nat';
  readonly hook: keyof typeof HOOKS;
  /** Lower ones come first: -100 rewrites the destination, 0 filters, 100 rewrites the source. */
  readonly priority: number;
  readonly policy: Verdict;
}

export function newChain({ table, name, type, hook, priority, policy }: BaseChain): Change {
  return {
    type: NFT_MSG.NEWCHAIN,
    flags: NLM.CREATE,
    content: join([
      attribute(CHAIN.TABLE, cstring(table)),
      attribute(CHAIN.NAME, cstring(name)),
      nested(
        CHAIN.HOOK,
        attribute(HOOK_NUMBER, be32(HOOKS[hook])),
        attribute(HOOK_PRIORITY, be32(priority)),
      ),
      attribute(CHAIN.POLICY, be32(VERDICTS.indexOf(policy))),
      attribute(CHAIN.TYPE, cstring(type)),
    ]),
  };
}

export interface Rule {
  readonly table: string;
  readonly chain: string;
  readonly expressions: readonly Expression[];
  /** Shown by nft and iptables; finds the rule again. At most 127 bytes. */
  readonly comment?: string;
}

/** Puts a rule at the end of its chain, or before all others in it. */
export function newRule({ table, chain, expressions, comment }: Rule, at: 'end' | 'top'): Change {
  return {
    type: NFT_MSG.NEWRULE,
    flags: NLM.CREATE | (at === 'end' ? NLM.APPEND : 0),
    content: join([
      attribute(RULE.TABLE, cstring(table)),
      attribute(RULE.CHAIN, cstring(chain)),
      nested(RULE.EXPRESSIONS, ...expressions),
      ...(comment === undefined ? [] : [attribute(RULE.USERDATA, commentData(comment))]),
    ]),
  };
}

/** @param handle the kernel's number of the rule, eight bytes as a dump gives them. */
export function deleteRule(table: string, chain: string, handle: Uint8Array): Change {
  return {
    type: NFT_MSG.DELRULE,
    flags: 0,
    content: join([
      attribute(RULE.TABLE, cstring(table)),
      attribute(RULE.CHAIN, cstring(chain)),
      attribute(RULE.HANDLE, raw(handle)),
    ]),
  };
}

/** Type 0, length with its NUL, text: as nft and iptables write comments. */
function commentData(comment: string): Chunk {
  const text = cstring(comment);
  return join([u8(0, text.bytes.length), text]);
}

/** NFPROTO_IPV4 and NFPROTO_IPV6. */
export function familyOf(version: IpAddress['version']): number {
  return version === 4 ? 2 : 10;
}

/** Which protocol family it is about, a version, and a subsystem in network order. */
export function nfgenmsg(family: number, subsystem: number): Chunk {
  return join([u8(family, 0), u16(subsystem << 8)]);
}

export const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFT_MSG = {
  NEWTABLE: 0,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
} as const;
const TABLE_NAME = 1;
export const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
export const RULE = {
  TABLE: 1,
  CHAIN: 2,
  HANDLE: 3,
  EXPRESSIONS: 4,
  USERDATA: 7,
} as const;
const HOOKS = { prerouting: 0, forward: 2, output: 3, postrouting: 4 } as const;
const HOOK_NUMBER = 1;
const HOOK_PRIORITY = 2;
