import { BLOCK, decodeFields, type Fields, isZero } from './fields.ts';
import type { Header } from './header.ts';
import { invalidTar } from './invalid.ts';
import { mergePax, type Pax, parsePax } from './pax.ts';
import { SparseMap } from './sparse.ts';

/** One entry of an archive: what a header says, and where its content goes if that has holes. */
export interface TarEntry extends Header {
  /** The pieces of a sparse file; `size` is then the whole file's, with its holes. */
  readonly sparse?: readonly Piece[] | undefined;
}

/** Bytes of a sparse file that are not a hole. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** What is told of an archive, in its order. A throwing sink stops the reading. */
export interface TarSink {
  /** `data` for the content (empty files have none), then `end`. */
  entry(entry: TarEntry): void;
  /** Valid only until it returns. */
  data(piece: Buffer): void;
  end(): void;
}

/** So long may a PAX header or a long name be, bytes: names are 4 KB, an xattr's value 64 KB. */
const META_MAX = 1 << 20;

/**
 * A tar archive is pushed into it piece by piece, wherever the pieces end. POSIX (ustar, PAX with
 * records for one or for all entries), GNU (long names, old sparse files, base-256 numbers) and V7.
 * What comes after the end mark is ignored, as every tar does.
 *
 * Ours, and not a package: tar-stream 3.2.2 and modern-tar make UTF-8 of paths and xattrs and know
 * no sparse files (ARCHITECTURE.md, "Dependencies").
 */
export class TarReader {
  readonly #sink: TarSink;
  /** What is being put together: a header, or a header's content (`#meta`). */
  #room = Buffer.allocUnsafe(BLOCK);
  #filled = 0;
  #state: 'header' | 'meta' | 'sparse' | 'data' | 'padding' | 'end' = 'header';
  /** Bytes of content, and then of padding, that are still to come. */
  #left = 0;
  #padding = 0;
  #meta = '';
  #zeroBlocks = 0;
  #global: Pax = {};
  #own: Pax = {};
  /** The file whose sparse map is still being read. */
  #sparse: { readonly map: SparseMap; readonly fields: Fields; readonly pax: Pax } | undefined;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws {ClocheError} `LAYER_INVALID`; what the sink throws. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#state === 'end') return;
      if (this.#state === 'data') at += this.#takeData(chunk, at);
      else if (this.#state === 'padding') at += this.#skip(chunk.length - at);
      else at += this.#gather(chunk, at);
    }
  }

  /**
   * Passes over the content that is still to come of the entry, if there is any; `onSkip` is told
   * before. @returns how many bytes it was: what is pushed next is what comes after them.
   */
  skip(onSkip: () => void): number {
    const count = this.#state === 'data' ? this.#left : 0;
    if (count === 0) return 0;
    onSkip();
    this.#left = 0;
    this.#endData();
    return count;
  }

  /** Nothing comes any more. @throws {ClocheError} `LAYER_INVALID`: it ends in the middle. */
  finish(): void {
    const isWhole = this.#state === 'end' || (this.#state === 'header' && this.#filled === 0);
    if (!isWhole || this.#isAwaited()) throw invalidTar('ends in the middle of an entry');
  }

  #isAwaited(): boolean {
    return Object.keys(this.#own).length > 0;
  }

  #takeData(chunk: Buffer, at: number): number {
    const count = Math.min(this.#left, chunk.length - at);
    this.#sink.data(chunk.subarray(at, at + count));
    this.#left -= count;
    if (this.#left === 0) this.#endData();
    return count;
  }

  #endData(): void {
    this.#sink.end();
    this.#state = this.#padding === 0 ? 'header' : 'padding';
  }

  #skip(available: number): number {
    const count = Math.min(this.#padding, available);
    this.#padding -= count;
    if (this.#padding === 0) this.#state = 'header';
    return count;
  }

  /** Puts a block, or a header's content, together; a block that is whole in the chunk is not copied. */
  #gather(chunk: Buffer, at: number): number {
    const wanted = this.#state === 'meta' ? this.#left : BLOCK;
    if (this.#filled === 0 && chunk.length - at >= wanted) {
      this.#whole(chunk.subarray(at, at + wanted));
      return wanted;
    }
    if (this.#room.length < wanted) this.#room = Buffer.allocUnsafe(wanted);
    const count = chunk.copy(this.#room, this.#filled, at, at + wanted - this.#filled);
    this.#filled += count;
    if (this.#filled < wanted) return count;
    this.#filled = 0;
    this.#whole(this.#room.subarray(0, wanted));
    return count;
  }

  #whole(bytes: Buffer): void {
    if (this.#state === 'meta') this.#endMeta(bytes);
    else if (this.#state === 'sparse') this.#moreOfMap(bytes);
    else if (isZero(bytes)) this.#zero();
    else this.#header(decodeFields(bytes), bytes);
  }

  #zero(): void {
    if (this.#isAwaited()) throw invalidTar('has a PAX header without an entry');
    if (++this.#zeroBlocks === 2) this.#state = 'end';
  }

  #header(fields: Fields, block: Buffer): void {
    if (this.#zeroBlocks > 0) throw invalidTar('goes on after a block of zeros');
    if ('xgXLK'.includes(fields.type)) this.#beginMeta(fields);
    else if (fields.type === 'V') this.#ignore(fields.size);
    else this.#beginEntry(fields, block);
  }

  #beginEntry(fields: Fields, block: Buffer): void {
    const pax = mergePax(this.#global, this.#own);
    this.#own = {};
    const map = SparseMap.of(block, fields, pax);
    if (map === undefined) {
      this.#begin(entryOf(fields, pax), pax.size ?? fields.size);
      return;
    }
    this.#sparse = { map, fields, pax };
    this.#left = pax.size ?? fields.size;
    this.#padding = paddingOf(this.#left);
    this.#afterMap();
  }

  #beginMeta({ type, size }: Fields): void {
    if (size < 0 || size > META_MAX) throw invalidTar(`has a header of ${size} bytes`);
    this.#meta = type;
    this.#left = size;
    this.#padding = paddingOf(size);
    this.#state = 'meta';
    if (size === 0) this.#endMeta(Buffer.alloc(0));
  }

  #endMeta(content: Buffer): void {
    const until = content.indexOf(0);
    const name = content.toString('latin1', 0, until < 0 ? content.length : until);
    if (this.#meta === 'g') this.#global = mergePax(this.#global, parsePax(content));
    else if (this.#meta === 'L') this.#own.path = name;
    else if (this.#meta === 'K') this.#own.target = name;
    else this.#own = { ...this.#own, ...parsePax(content) };
    this.#state = this.#padding === 0 ? 'header' : 'padding';
  }

  #ignore(size: number): void {
    this.#padding = size + paddingOf(size);
    this.#state = this.#padding === 0 ? 'header' : 'padding';
  }

  #moreOfMap(block: Buffer): void {
    const isInData = this.#sparse?.map.push(block) === true;
    if (isInData) this.#left -= BLOCK;
    this.#afterMap();
  }

  /** A sparse file's map may fill more blocks; when it is known, its content begins. */
  #afterMap(): void {
    const { map, fields, pax } = this.#sparse ?? {};
    if (map === undefined || fields === undefined || pax === undefined) return;
    if (!map.isComplete) {
      this.#state = 'sparse';
      if (map.isInData && this.#left < BLOCK) throw invalidTar('has a broken map of a sparse file');
      return;
    }
    this.#sparse = undefined;
    const { pieces, size, path } = map.finish(this.#left);
    const entry = entryOf({ ...fields, type: '0' }, { ...pax, path: path ?? pax.path, size });
    if (entry.type !== 'file') throw invalidTar('has a directory with the map of a sparse file');
    this.#begin({ ...entry, sparse: pieces }, this.#left);
  }

  #begin(entry: TarEntry, size: number): void {
    this.#left = entry.type === 'file' ? size : 0;
    this.#padding = paddingOf(this.#left);
    this.#state = 'data';
    this.#sink.entry(entry);
    if (this.#left === 0) this.#endData();
  }
}

const TYPES: Record<string, Header['type']> = {
  '0': 'file',
  // A "contiguous" file, a plain one everywhere but on a system long gone.
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
};

/** @throws {ClocheError} `LAYER_INVALID`: its type is unknown, or a number is out of all bounds. */
function entryOf(fields: Fields, pax: Pax): TarEntry {
  const path = pax.path ?? fields.path;
  const named = TYPES[fields.type];
  if (named === undefined)
    throw invalidTar(`has an entry of the unknown type ${JSON.stringify(fields.type)}`, { path });
  // Before ustar there was no type for directories.
  const type = named === 'file' && path.endsWith('/') ? 'directory' : named;
  const size = pax.size ?? fields.size;
  if (size < 0) throw invalidTar(`has an entry of ${size} bytes`, { path });
  const isDevice = type === 'character-device' || type === 'block-device';
  if (isDevice && !isDeviceNumber(fields))
    throw invalidTar(`has the device ${fields.major}:${fields.minor}`, { path });
  return {
    path,
    type,
    mode: fields.mode & 0o7777,
    uid: owner(pax.uid ?? fields.uid, path),
    gid: owner(pax.gid ?? fields.gid, path),
    size: type === 'file' ? size : 0,
    mtime: pax.mtime ?? BigInt(fields.mtime) * 1_000_000_000n,
    target: type === 'link' || type === 'symlink' ? (pax.target ?? fields.target) : undefined,
    device: isDevice ? { major: fields.major, minor: fields.minor } : undefined,
    xattrs: pax.xattrs,
  };
}

/** Linux has twelve bits for the one, and twenty for the other. */
function isDeviceNumber({ major, minor }: Fields): boolean {
  return major >= 0 && major < 1 << 12 && minor >= 0 && minor < 1 << 20;
}

/** The highest number means "nobody in particular" to chown(2), so none may have it. */
function owner(id: number, path: string): number {
  if (id < 0 || id >= 0xffff_ffff) throw invalidTar(`has an entry of the owner ${id}`, { path });
  return id;
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
