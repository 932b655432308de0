import { invalidTar } from './invalid.ts';
import type { RawPath } from './scan.ts';

/**
 * What PAX records say of the entry that follows them. Paths are bytes (`RawPath`), values of
 * extended attributes too: neither has to be UTF-8.
 */
export interface Pax {
  path?: RawPath | undefined;
  target?: RawPath | undefined;
  size?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;
  /** Nanoseconds since the epoch. */
  mtime?: bigint | undefined;
  xattrs?: Map<string, Uint8Array> | undefined;
  /** GNU tar's sparse files, in the order of their records: the key without `GNU.sparse.`. */
  sparse?: readonly (readonly [key: string, value: string])[] | undefined;
}

/** Linux takes no value that is longer (XATTR_SIZE_MAX, xattr(7)). */
const XATTR_SIZE_MAX = 65_536;
const XATTR = 'SCHILY.xattr.';
const SPARSE = 'GNU.sparse.';

/**
 * Reads the records of a PAX header, `<length> <key>=<value>\n`. Unknown keys mean nothing to us; an
 * empty value takes back what an earlier header said.
 *
 * Source: POSIX.1-2001 pax(1), "pax Header Block".
 * @throws {ClocheError} `LAYER_INVALID`
 */
export function parsePax(content: Buffer): Pax {
  const pax: Pax = {};
  const sparse: [string, string][] = [];
  for (let at = 0; at < content.length; ) {
    const { key, value, end } = recordAt(content, at);
    at = end;
    if (key.startsWith(XATTR)) addXattr(pax, key.slice(XATTR.length), value);
    else if (key.startsWith(SPARSE))
      sparse.push([key.slice(SPARSE.length), value.toString('latin1')]);
    else READERS[key]?.(pax, value.toString('latin1'));
  }
  if (sparse.length > 0) pax.sparse = sparse;
  return pax;
}

/** What holds for an entry: its own records before those for the whole rest of the archive. */
export function mergePax(global: Pax, own: Pax): Pax {
  const xattrs =
    global.xattrs === undefined ? own.xattrs : new Map([...global.xattrs, ...(own.xattrs ?? [])]);
  return { ...global, ...own, xattrs };
}

const READERS: Record<string, (pax: Pax, value: string) => void> = {
  path: (pax, value) => {
    pax.path = value === '' ? undefined : value;
  },
  linkpath: (pax, value) => {
    pax.target = value === '' ? undefined : value;
  },
  size: (pax, value) => {
    pax.size = value === '' ? undefined : whole('size', value);
  },
  uid: (pax, value) => {
    pax.uid = value === '' ? undefined : whole('uid', value);
  },
  gid: (pax, value) => {
    pax.gid = value === '' ? undefined : whole('gid', value);
  },
  mtime: (pax, value) => {
    pax.mtime = value === '' ? undefined : nanoseconds(value);
  },
};

function addXattr(pax: Pax, name: string, value: Buffer): void {
  if (name === '' || name.length > 255 || name.includes('\0'))
    throw invalidTar(`has an extended attribute with the name ${JSON.stringify(name)}`);
  if (value.length > XATTR_SIZE_MAX)
    throw invalidTar(`has an extended attribute '${name}' of ${value.length} bytes`);
  pax.xattrs ??= new Map();
  // A copy: the records' buffer is used again.
  pax.xattrs.set(name, Uint8Array.from(value));
}

function recordAt(content: Buffer, at: number) {
  const blank = content.indexOf(0x20, at);
  const digits = blank < 0 || blank - at > 10 ? '' : content.toString('latin1', at, blank);
  const end = at + Number(digits);
  if (!/^[0-9]+$/.test(digits) || end > content.length || content[end - 1] !== 0x0a)
    throw invalidTar('has a PAX record without a proper length');
  const equals = content.indexOf(0x3d, blank);
  if (equals < 0 || equals >= end || equals === blank + 1)
    throw invalidTar('has a PAX record without a key');
  const key = content.toString('latin1', blank + 1, equals);
  return { key, value: content.subarray(equals + 1, end - 1), end };
}

/** A decimal number of a PAX record. @throws {ClocheError} `LAYER_INVALID` */
export function whole(key: string, text: string): number {
  const number = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw invalidTar(`has a PAX record ${key}=${JSON.stringify(text.slice(0, 40))}`);
  return number;
}

/** `1700000000.123456789`, also negative; more than nine decimals are cut off towards the past. */
function nanoseconds(text: string): bigint {
  const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(text);
  if (match === null)
    throw invalidTar(`has a PAX record mtime=${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, seconds = '0', decimals = ''] = match;
  const value = BigInt(seconds) * 1_000_000_000n + BigInt(decimals.slice(0, 9).padEnd(9, '0'));
  if (sign !== '-') return value;
  return /[1-9]/.test(decimals.slice(9)) ? -value - 1n : -value;
}
