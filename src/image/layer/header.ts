import { fromRaw, type RawPath } from './scan.ts';

/**
 * Headers of a POSIX.1-2001 (PAX) tar archive, pure and deterministic.
 *
 * Not tar-stream's, which was tried: it writes a mode of 0000 as 0644, makes UTF-8 of binary values
 * (so a `security.capability` is lost), and cuts the seconds to 32 bits.
 */
export interface Header {
  /** A directory's without the slash at its end. */
  readonly path: RawPath;
  readonly type: keyof typeof TYPES;
  /** The permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the content that follows, bytes. */
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly mtime: bigint;
  /** Of a symlink, or the path of the file that a hard link is another name of. */
  readonly target?: RawPath | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined;
}

const TYPES = {
  file: '0',
  link: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
} as const;

const BLOCK = 512;
const SECOND = 1_000_000_000n;

/** The header's bytes, with a PAX header before it where ustar's fields are too small. */
export function encodeHeader(header: Header): Buffer {
  const path = header.type === 'directory' ? `${header.path}/` : header.path;
  const seconds = floorDiv(header.mtime, SECOND);
  const pax = paxRecords({ ...header, path });
  const plain = ustar({
    path: path.slice(0, 100),
    type: TYPES[header.type],
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    size: header.size,
    seconds: seconds < 0n ? 0n : seconds,
    target: header.target?.slice(0, 100) ?? '',
    device: header.device,
  });
  if (pax.length === 0) return plain;
  const before = ustar({
    path: `PaxHeaders/${path.slice(path.replace(/\/$/, '').lastIndexOf('/') + 1)}`.slice(0, 100),
    type: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: pax.length,
    seconds: 0n,
    target: '',
    device: undefined,
  });
  return Buffer.concat([before, pax, padding(pax.length), plain]);
}

/** The zeros after `size` bytes of content, up to the next block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two blocks of zeros end an archive. */
export const END = Buffer.alloc(2 * BLOCK);

function paxRecords(header: Header): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) => records.push(record(key, value));
  if (header.path.length > 100) add('path', fromRaw(header.path));
  if ((header.target?.length ?? 0) > 100) add('linkpath', fromRaw(header.target ?? ''));
  if (header.size > 0o77777777777) add('size', String(header.size));
  if (header.uid > 0o7777777) add('uid', String(header.uid));
  if (header.gid > 0o7777777) add('gid', String(header.gid));
  if (header.mtime < 0n || header.mtime % SECOND !== 0n) add('mtime', decimal(header.mtime));
  for (const [name, value] of [...(header.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)))
    add(`SCHILY.xattr.${name}`, value);
  return Buffer.concat(records);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function record(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (length !== rest.length + String(length).length)
    length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface Ustar extends Pick<Header, 'path' | 'mode' | 'uid' | 'gid' | 'size' | 'device'> {
  readonly type: string;
  readonly seconds: bigint;
  readonly target: RawPath;
}

function ustar(fields: Ustar): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number | bigint, at: number, digits: number) => {
    const text = value.toString(8);
    // Too large for its field: a PAX record has it.
    block.write(
      text.length > digits ? '7'.repeat(digits) : text.padStart(digits, '0'),
      at,
      'latin1',
    );
  };
  block.write(fields.path, 0, 'latin1');
  octal(fields.mode & 0o7777, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.seconds, 136, 11);
  block.write(' '.repeat(8), 148, 'latin1');
  block.write(fields.type, 156, 'latin1');
  block.write(fields.target, 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(fields.device?.major ?? 0, 329, 7);
  octal(fields.device?.minor ?? 0, 337, 7);
  let sum = 0;
  // A loop: a callback for each byte took longer than all the rest of a header.
  for (let i = 0; i < BLOCK; i++) sum += block[i] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Seconds with nine decimals, `-0.5` s being `-0.500000000`. */
function decimal(nanoseconds: bigint): string {
  const positive = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(positive % SECOND).padStart(9, '0');
  return `${nanoseconds < 0n ? '-' : ''}${positive / SECOND}.${fraction}`;
}

function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a < 0n && a % b !== 0n ? quotient - 1n : quotient;
}
