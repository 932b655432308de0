import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { count } from '../layer/count.ts';
import { compressionOf, decompress } from '../layer/decompress.ts';
import { invalidTar } from '../layer/invalid.ts';
import { Limit } from '../layer/limit.ts';
import { type TarEntry, TarReader, type TarSink } from '../layer/reader.ts';
import { removeTree } from '../state/remove-tree.ts';
import { type Store, temporaryPath } from '../store.ts';
import { Content } from './content.ts';

/** An archive: a file, or bytes that come once. */
export type Source = { readonly file: string } | AsyncIterable<Uint8Array>;

export interface ContentOptions {
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an archive of images, whose documents come last and say what all before them is. In a file
 * one can go back, so there only the headers are read; what comes once, or is compressed, is put
 * aside until `close`.
 *
 * @throws {ClocheError} `LAYER_INVALID`, `LAYER_TOO_LARGE`, `COMPRESSION_UNSUPPORTED`, `DISK_FULL`
 */
export async function openArchive(
  store: Store,
  source: Source,
  about: ContentOptions,
): Promise<Content> {
  if (!('file' in source)) return putAside(store, source, about);
  const fd = openSync(source.file, 'r');
  try {
    const first = Buffer.alloc(6);
    const isFile = fstatSync(fd).isFile();
    if (isFile && compressionOf(first.subarray(0, readSync(fd, first, 0, 6, 0))) === 'none')
      return indexOf(store, source.file, fd);
  } finally {
    closeSync(fd);
  }
  return putAside(store, createReadStream(source.file), about);
}

/**
 * Opens a directory in OCI layout.
 *
 * @throws {ClocheError} `CONTEXT_NOT_FOUND`
 */
export function openLayout(directory: string): Content {
  const content = new Content();
  const names = existsSync(join(directory, 'index.json'))
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' })
    : [];
  if (names.length === 0)
    throw new ClocheError('CONTEXT_NOT_FOUND', `'${directory}' is no directory in OCI layout`, {
      class: 'not-found',
      hint: 'it would have an index.json, and blobs',
    });
  for (const path of names) {
    const file = join(directory, path);
    const stat = statSync(file);
    if (stat.isFile()) content.add(path, { file, offset: 0, size: stat.size });
  }
  return content;
}

/** So much is read at once where headers may be, bytes. */
const WINDOW = 1 << 16;

function indexOf(store: Store, file: string, fd: number): Content {
  const index = new Index(file, new Limit(store.root));
  const reader = new TarReader(index);
  const window = Buffer.alloc(WINDOW);
  const { size } = fstatSync(fd);
  let at = 0;
  for (;;) {
    const count = readSync(fd, window, 0, WINDOW, at);
    if (count === 0) break;
    index.window(window, at);
    reader.push(window.subarray(0, count));
    at += count + reader.skip(() => index.begin(at + count));
  }
  if (at > size) throw invalidTar('ends in the middle of an entry');
  reader.finish();
  return index.content;
}

/** Notes where in the file everything is. */
class Index implements TarSink {
  readonly content = new Content();
  readonly #file: string;
  readonly #limit: Limit;
  #window: Buffer = Buffer.alloc(0);
  #at = 0;
  #open: TarEntry | undefined;

  constructor(file: string, limit: Limit) {
    this.#file = file;
    this.#limit = limit;
  }

  /** What is pushed next, and where in the file it begins. */
  window(window: Buffer, at: number): void {
    this.#window = window;
    this.#at = at;
  }

  entry(entry: TarEntry): void {
    this.#limit.entry(entry.path.length + (entry.target?.length ?? 0));
    if (entry.type === 'link' || entry.type === 'symlink') this.content.addLink(entry);
    this.#open = entry.type === 'file' ? entry : undefined;
  }

  data(piece: Buffer): void {
    this.begin(this.#at + piece.byteOffset - this.#window.byteOffset);
  }

  /** The open entry's content begins here, unless it has begun before. */
  begin(offset: number): void {
    const entry = this.#open;
    if (entry === undefined) return;
    this.content.addEntry(entry, { file: this.#file, offset, size: entry.size });
    this.#open = undefined;
  }

  end(): void {
    this.begin(0);
  }
}

async function putAside(
  store: Store,
  body: AsyncIterable<Uint8Array>,
  about: ContentOptions,
): Promise<Content> {
  const directory = temporaryPath(store);
  const limit = new Limit(store.root);
  mkdirSync(directory, { mode: 0o700 });
  const shelf = new Shelf(directory, limit);
  const reader = new TarReader(shelf);
  const counted = count(body, about);
  try {
    for await (const piece of decompress(counted.body, { programs: true })) {
      limit.grow(piece.length, counted.size);
      reader.push(piece);
    }
    reader.finish();
    return shelf.content;
  } catch (error) {
    shelf.end();
    shelf.content.close();
    throw error;
  } finally {
    await counted.close();
  }
}

/** Writes the files under numbers instead of names that others chose. */
class Shelf implements TarSink {
  readonly content: Content;
  readonly #directory: string;
  readonly #limit: Limit;
  #count = 0;
  #open = -1;

  constructor(directory: string, limit: Limit) {
    this.#directory = directory;
    this.#limit = limit;
    this.content = new Content(() => removeTree(directory));
  }

  entry(entry: TarEntry): void {
    this.#limit.entry(entry.path.length + (entry.target?.length ?? 0));
    if (entry.type === 'link' || entry.type === 'symlink') this.content.addLink(entry);
    if (entry.type !== 'file') return;
    const file = join(this.#directory, String(this.#count++));
    this.content.addEntry(entry, { file, offset: 0, size: entry.size });
    this.#open = openSync(file, 'wx', 0o600);
  }

  data(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) at += writeSync(this.#open, piece, at);
  }

  end(): void {
    if (this.#open >= 0) closeSync(this.#open);
    this.#open = -1;
  }
}
