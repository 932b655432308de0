import type { IpAddress } from './address.ts';
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
} from './message.ts';
import { type Change, familyOf, NFNL_SUBSYS_NFTABLES, nfgenmsg } from './nftables.ts';

/** Maps of nftables, and what is in them. Source: `linux/netfilter/nf_tables.h`. */

/** Keys and what they stand for, found by hashing. */
export interface NewMap {
  readonly table: string;
  readonly name: string;
  /** Bytes, and the types by which `nft` shows them: six bits each, the last one lowest. */
  readonly key: { readonly bytes: number; readonly types: number };
  readonly data: { readonly bytes: number; readonly types: number };
}

export function newMap({ table, name, key, data }: NewMap): Change {
  return {
    type: NFT_MSG.NEWSET,
    flags: NLM.CREATE,
    content: join([
      attribute(SET.TABLE, cstring(table)),
      attribute(SET.NAME, cstring(name)),
      attribute(SET.FLAGS, be32(NFT_SET_MAP)),
      attribute(SET.KEY_TYPE, be32(key.types)),
      attribute(SET.KEY_LENGTH, be32(key.bytes)),
      attribute(SET.DATA_TYPE, be32(data.types)),
      attribute(SET.DATA_LENGTH, be32(data.bytes)),
      attribute(SET.ID, be32(1)),
    ]),
  };
}

/** Whether there is such a map: a question outside of any batch; ENOENT where there is none. */
export function mapQuery(table: string, name: string, version: IpAddress['version']): Chunk {
  return message(
    { type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG.GETSET, flags: NLM.ACK },
    nfgenmsg(familyOf(version), 0),
    attribute(SET.TABLE, cstring(table)),
    attribute(SET.NAME, cstring(name)),
  );
}

/** Puts an entry into a map. Errors: EEXIST: the key stands for something else already. */
export function addEntry(table: string, map: string, key: Uint8Array, data: Uint8Array): Change {
  return entry(NFT_MSG.NEWSETELEM, table, map, [
    nested(ENTRY_KEY, attribute(DATA_VALUE, raw(key))),
    nested(ENTRY_DATA, attribute(DATA_VALUE, raw(data))),
  ]);
}

/** Takes an entry out of a map. Errors: ENOENT. */
export function removeEntry(table: string, map: string, key: Uint8Array): Change {
  return entry(NFT_MSG.DELSETELEM, table, map, [
    nested(ENTRY_KEY, attribute(DATA_VALUE, raw(key))),
  ]);
}

/** Whether a key is in a map: a question outside of any batch; ENOENT where it is not. */
export function entryQuery(
  table: string,
  map: string,
  key: Uint8Array,
  version: IpAddress['version'],
): Chunk {
  const { content } = entry(NFT_MSG.GETSETELEM, table, map, [
    nested(ENTRY_KEY, attribute(DATA_VALUE, raw(key))),
  ]);
  const type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG.GETSETELEM;
  return message({ type, flags: 0 }, nfgenmsg(familyOf(version), 0), content);
}

function entry(type: number, table: string, map: string, parts: readonly Chunk[]): Change {
  return {
    type,
    flags: type === NFT_MSG.NEWSETELEM ? NLM.CREATE : 0,
    content: join([
      attribute(ENTRIES_TABLE, cstring(table)),
      attribute(ENTRIES_SET, cstring(map)),
      nested(ENTRIES, nested(LIST_ELEMENT, ...parts)),
    ]),
  };
}

const NFT_MSG = { NEWSET: 9, GETSET: 10, NEWSETELEM: 12, GETSETELEM: 13, DELSETELEM: 14 } as const;
const SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LENGTH: 5,
  DATA_TYPE: 6,
  DATA_LENGTH: 7,
  ID: 10,
} as const;
const NFT_SET_MAP = 8;
const ENTRIES_TABLE = 1;
const ENTRIES_SET = 2;
const ENTRIES = 3;
const LIST_ELEMENT = 1;
const ENTRY_KEY = 1;
const ENTRY_DATA = 2;
const DATA_VALUE = 1;
