import { closeSync, readSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { deviceOf } from './device.ts';
import { END, encodeHeader, type Header, padding } from './header.ts';
import { AT_REST, type Entry, type Look, type RawPath, scanAll } from './scan.ts';
import { carried, readXattrs, type Xattrs } from './xattr.ts';

/** What a layer holds, known before a byte of it is written. */
export interface Changeset {
  /** The overlay's upper directory. */
  readonly directory: string;
  readonly look: Look;
  readonly entries: readonly Entry[];
  readonly xattrs: ReadonlyMap<RawPath, Xattrs>;
  /** Directories that hide what lower layers have in them. */
  readonly opaque: readonly RawPath[];
  /** Bytes of all files, hard links counted once. */
  readonly size: number;
}

/**
 * Reads what an overlay's upper directory holds, that is what its layer will say. Sockets are left
 * out, as tar cannot carry them.
 *
 * @throws {ClocheError} `LAYER_REDIRECT`: overlayfs recorded a rename, which a layer cannot express;
 * `PATH_TOO_LONG`
 */
export async function readChangeset(directory: string, look = AT_REST): Promise<Changeset> {
  const entries = scanAll(directory, look).filter((entry) => entry.kind !== 'socket');
  const all = await readXattrs(
    directory,
    entries.filter((entry) => entry.kind !== 'whiteout').map((entry) => entry.path),
    look,
  );
  const xattrs = new Map<RawPath, Xattrs>();
  const opaque: RawPath[] = [];
  for (const [path, own] of all) {
    const value = own.get('trusted.overlay.opaque');
    if (value !== undefined && Buffer.from(value).toString('latin1') === 'y') opaque.push(path);
    if (own.has('trusted.overlay.redirect') || own.has('trusted.overlay.metacopy'))
      throw redirected(path);
    const kept = carried(own);
    if (kept !== undefined) xattrs.set(path, kept);
  }
  return { directory, look, entries, xattrs, opaque, size: sizeOf(entries) };
}

/**
 * The layer's tar, uncompressed, in pieces: entries in the order of `scan`, `.wh.` files for what
 * was removed (image-spec/layer.md), names relative, no entry for the root itself.
 *
 * @throws {ClocheError} `FILE_CHANGED`: a file shrank while it was read.
 */
export function* archive(changeset: Changeset): Generator<Buffer> {
  const { directory, look } = changeset;
  yield* archiveOf(changeset, ({ path }) => look.open(directory, path));
}

/** The same of entries whose files `open` opens for reading. @throws {ClocheError} `FILE_CHANGED` */
export function* archiveOf<E extends Entry>(
  changeset: {
    readonly entries: Iterable<E>;
    readonly xattrs: ReadonlyMap<RawPath, Xattrs>;
    readonly opaque: readonly RawPath[];
  },
  open: (entry: E) => number,
): Generator<Buffer> {
  const opaque = new Set(changeset.opaque);
  const firstNames = new Map<string, RawPath>();
  for (const entry of changeset.entries) {
    const inode = `${entry.stat.dev}:${entry.stat.ino}`;
    const first = entry.stat.nlink > 1n ? firstNames.get(inode) : undefined;
    if (entry.kind === 'whiteout') yield encodeHeader(marker(whiteoutOf(entry.path)));
    else if (first !== undefined && entry.kind !== 'directory')
      yield encodeHeader({ ...headerOf(entry), type: 'link', size: 0, target: first });
    else {
      firstNames.set(inode, entry.path);
      yield encodeHeader({ ...headerOf(entry), xattrs: changeset.xattrs.get(entry.path) });
      if (entry.kind === 'file') yield* content(open(entry), entry);
    }
    if (opaque.has(entry.path)) yield encodeHeader(marker(`${entry.path}/.wh..wh..opq`));
  }
  yield END;
}

function headerOf(entry: Entry): Header {
  const { stat, kind } = entry;
  if (kind === 'whiteout' || kind === 'socket') throw new Error(`${kind} has no header`);
  const isDevice = kind === 'character-device' || kind === 'block-device';
  return {
    path: entry.path,
    type: kind,
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: kind === 'file' ? Number(stat.size) : 0,
    mtime: stat.mtimeNs,
    target: entry.target,
    device: isDevice ? deviceOf(stat.rdev) : undefined,
  };
}

/** A whiteout file is empty and says nothing but its name. */
function marker(path: RawPath): Header {
  return { path, type: 'file', mode: 0, uid: 0, gid: 0, size: 0, mtime: 0n };
}

function whiteoutOf(path: RawPath): RawPath {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash + 1)}.wh.${path.slice(slash + 1)}`;
}

function* content(fd: number, entry: Entry): Generator<Buffer> {
  const size = Number(entry.stat.size);
  try {
    for (let left = size; left > 0; ) {
      const chunk = Buffer.allocUnsafe(Math.min(left, 1 << 18));
      const count = readSync(fd, chunk);
      if (count === 0) throw shrank(entry.path);
      yield chunk.subarray(0, count);
      left -= count;
    }
  } finally {
    closeSync(fd);
  }
  yield padding(size);
}

function sizeOf(entries: readonly Entry[]): number {
  const seen = new Set<bigint>();
  let total = 0n;
  for (const { kind, stat } of entries) {
    if (kind !== 'file' || (stat.nlink > 1n && seen.has(stat.ino))) continue;
    seen.add(stat.ino);
    total += stat.size;
  }
  return Number(total);
}

function redirected(path: RawPath): ClocheError {
  return new ClocheError('LAYER_REDIRECT', `'${path}' is a reference to another directory`, {
    hint: 'The overlay was mounted with redirect_dir=on or metacopy=on; a layer needs both off.',
    details: { path },
  });
}

function shrank(path: RawPath): ClocheError {
  return new ClocheError('FILE_CHANGED', `'${path}' became shorter while it was read`, {
    class: 'conflict',
    hint: 'Something still writes to the files; stop it and do the same again.',
    details: { path },
  });
}
