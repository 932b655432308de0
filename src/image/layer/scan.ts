import {
  type BigIntStats,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { ClocheError } from '../../error.ts';

/**
 * A path as bytes: each char is one byte (latin1), since a file's name need not be UTF-8. `fromRaw`
 * makes of it what node:fs wants.
 */
export type RawPath = string;

/** What lies at one path of an overlay's upper directory. */
export interface Entry {
  /** Relative to the scanned directory, without a leading slash. */
  readonly path: RawPath;
  readonly stat: BigIntStats;
  readonly kind: EntryKind;
  /** Of a symlink. */
  readonly target?: RawPath;
}

export type EntryKind =
  | 'file'
  | 'directory'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'fifo'
  | 'socket'
  /** The character device 0/0, by which overlayfs says that the path was removed. */
  | 'whiteout';

/** How the files below a directory are looked at; no link is followed at the end of a path. */
export interface Look {
  /** Whether somebody may be at work there meanwhile. */
  readonly isLive: boolean;
  /** Undefined if nothing is there. */
  entry(directory: string, path: RawPath): Entry | undefined;
  /** What a directory holds; '' is the topmost. */
  names(directory: string, path: RawPath): RawPath[];
  /** Opens a file for reading; the caller closes it. */
  open(directory: string, path: RawPath): number;
}

/** Nobody changes anything there. */
export const AT_REST: Look = {
  isLive: false,
  entry(directory, path) {
    try {
      return entryAt(directory, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  names: (directory, path) => readdirSync(inside(directory, path), 'latin1'),
  open: (directory, path) => openSync(inside(directory, path), 'r'),
};

/**
 * Everything below `directory`, a directory before what is in it, names in the order of their bytes:
 * the order in which a layer is written, alike on every machine. Symlinks are not followed.
 */
export function* scan(
  directory: string,
  look: Look = AT_REST,
  below: RawPath = '',
): Generator<Entry> {
  for (const name of look.names(directory, below).sort(byBytes)) {
    const path = below === '' ? name : `${below}/${name}`;
    const entry = look.entry(directory, path);
    if (entry === undefined) continue;
    yield entry;
    if (entry.kind === 'directory') yield* scan(directory, look, path);
  }
}

/**
 * All of `scan` at once. Who changes directory on the way can make paths that are too long for others.
 *
 * @throws {ClocheError} `PATH_TOO_LONG`
 */
export function scanAll(directory: string, look: Look = AT_REST): Entry[] {
  try {
    return [...scan(directory, look)];
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw cause;
    throw new ClocheError('PATH_TOO_LONG', 'a path of more than 4096 bytes cannot be in a layer', {
      class: 'invalid-argument',
      hint: 'Something made directories within directories, without end perhaps; find / -depth shows them.',
      cause,
    });
  }
}

/** @throws an fs error: nothing is there. */
export function entryAt(directory: string, path: RawPath): Entry {
  const full = inside(directory, path);
  const stat = lstatSync(full, { bigint: true });
  const kind = kindOf(stat);
  if (kind !== 'symlink') return { path, stat, kind };
  const target = readlinkSync(full, { encoding: 'buffer' }).toString('latin1');
  return { path, stat, kind, target };
}

function inside(directory: string, path: RawPath): Buffer {
  return fromRaw(path === '' ? toRaw(directory) : `${toRaw(directory)}/${path}`);
}

/** The directory that a path is in; '' is the topmost. */
export function parentOf(path: RawPath): RawPath {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** What a path is called there; the topmost is "." to itself. */
export function nameOf(path: RawPath): RawPath {
  return path === '' ? '.' : path.slice(path.lastIndexOf('/') + 1);
}

export function toRaw(text: string): RawPath {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

export function fromRaw(path: RawPath): Buffer {
  return Buffer.from(path, 'latin1');
}

/** As `fromRaw`, for who asks node:fs about thousands: nearly all names are ASCII, and need no bytes of their own. */
export function fromRawQuickly(path: RawPath): Buffer | string {
  return isAscii(path) ? path : fromRaw(path);
}

/** In one look: each of the stat's own questions would ask its mode anew. */
function kindOf({ mode, rdev }: BigIntStats): EntryKind {
  const kind = KINDS[Number(mode) & constants.S_IFMT] ?? 'socket';
  return kind === 'character-device' && rdev === 0n ? 'whiteout' : kind;
}

const KINDS: Readonly<Record<number, EntryKind>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'symlink',
  [constants.S_IFCHR]: 'character-device',
  [constants.S_IFBLK]: 'block-device',
  [constants.S_IFIFO]: 'fifo',
};

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are characters of one byte, too
  return /^[\x00-\x7f]*$/.test(text);
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
