import { invalidTar } from './invalid.ts';
import type { RawPath } from './scan.ts';

/** The size of everything in a tar archive is a multiple of it; bytes. */
export const BLOCK = 512;

/** A header block's fields as they stand there, before PAX or GNU headers override them. */
export interface Fields {
  readonly path: RawPath;
  readonly target: RawPath;
  /** One char; `0` also for the NUL of old archives. */
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

/**
 * Decodes a header block: V7, ustar, or GNU's.
 *
 * Source: POSIX.1-2001 ustar; tar(5) of libarchive for V7's, GNU's and base-256 numbers.
 * @throws {ClocheError} `LAYER_INVALID`: the checksum is wrong, or a number is.
 */
export function decodeFields(block: Buffer): Fields {
  verifyChecksum(block);
  const name = textAt(block, 0, 100);
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  // GNU's own form has times where ustar has the beginning of a long name.
  const prefix = isPosix ? textAt(block, 345, 155) : '';
  const type = String.fromCharCode(block[156] || 0x30);
  const isDevice = type === '3' || type === '4';
  return {
    path: prefix === '' ? name : `${prefix}/${name}`,
    target: textAt(block, 157, 100),
    type,
    mode: numberAt(block, 100, 8, 'mode'),
    uid: numberAt(block, 108, 8, 'uid'),
    gid: numberAt(block, 116, 8, 'gid'),
    size: numberAt(block, 124, 12, 'size'),
    mtime: numberAt(block, 136, 12, 'mtime'),
    major: isDevice ? numberAt(block, 329, 8, 'device number') : 0,
    minor: isDevice ? numberAt(block, 337, 8, 'device number') : 0,
  };
}

/** Whether nothing but zeros is in the block: two of them end an archive. */
export function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZEROS);
}

/** A NUL-terminated text, or one that fills its field. */
export function textAt(block: Buffer, at: number, size: number): RawPath {
  let end = at;
  while (end < at + size && block[end] !== 0) end++;
  return block.toString('latin1', at, end);
}

/** Octal digits between blanks or NULs, or base-256 where the first bit is set (then negative too). */
export function numberAt(block: Buffer, at: number, size: number, what: string): number {
  if ((block[at] ?? 0) & 0x80) return base256(block.subarray(at, at + size), what);
  const text = textAt(block, at, size).trim();
  if (text === '') return 0;
  if (!/^[0-7]+$/.test(text)) throw invalidTar(`has the ${what} ${JSON.stringify(text)}`);
  return Number.parseInt(text, 8);
}

const ZEROS = Buffer.alloc(BLOCK);

/** Two's complement, big endian, the highest bit being the mark of the form itself. */
function base256(field: Buffer, what: string): number {
  const isNegative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = isNegative ? -1n : 0n;
  field.forEach((byte, i) => {
    const digit = i > 0 ? byte : isNegative ? byte | 0x80 : byte & 0x7f;
    value = (value << 8n) | BigInt(digit);
  });
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidTar(`has the ${what} ${value}`);
  return number;
}

/** The sum of the header's bytes with blanks for the sum itself; old tars summed signed bytes. */
function verifyChecksum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] ?? 0);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const said = textAt(block, 148, 8).trim();
  const sum = /^[0-7]+$/.test(said) ? Number.parseInt(said, 8) : -1;
  if (sum !== unsigned && sum !== signed) throw invalidTar('has a header with a wrong checksum');
}
