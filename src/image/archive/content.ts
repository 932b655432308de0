import {
  closeSync,
  createReadStream,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { decompress } from '../layer/decompress.ts';
import { split } from '../layer/growing.ts';
import { Limit } from '../layer/limit.ts';
import { type TarEntry, TarReader, type TarSink } from '../layer/reader.ts';
import { type Store, temporaryPath } from '../store.ts';

/** The files of an archive of images, by their paths in it (without `./`). */
export interface Content {
  has(path: string): boolean;
  /** A document. @throws {ClocheError} `ARCHIVE_INVALID`: it is missing, or too large for one */
  read(path: string): Buffer;
  /** @throws {ClocheError} `ARCHIVE_INVALID`: it is missing */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Removes what was put aside. */
  close(): void;
}

export interface ContentOptions {
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes; real manifests and configs have some thousands. */
const DOCUMENT_MAX = 16 << 20;

/**
 * Puts an archive's files aside: the documents that say what they are come last in it, and one
 * cannot go back in a stream. The archive may be compressed.
 *
 * @throws {ClocheError} `LAYER_INVALID`, `LAYER_TOO_LARGE`, `COMPRESSION_UNSUPPORTED`, `DISK_FULL`
 */
export async function putAside(
  store: Store,
  body: AsyncIterable<Uint8Array>,
  { onProgress, signal }: ContentOptions = {},
): Promise<Content> {
  const directory = temporaryPath(store);
  const limit = new Limit(store.root);
  mkdirSync(directory, { mode: 0o700 });
  const shelf = new Shelf(directory, limit);
  const reader = new TarReader(shelf);
  let came = 0;
  const counted = async function* () {
    for await (const chunk of body) {
      signal?.throwIfAborted();
      came += chunk.length;
      onProgress?.(came);
      yield chunk;
    }
  };
  try {
    for await (const piece of decompress(counted())) {
      limit.grow(piece.length, came);
      reader.push(piece);
    }
    reader.finish();
    return shelf;
  } catch (error) {
    shelf.close();
    throw error;
  }
}

/** What lies on the disk: the files, under numbers instead of names that others chose. */
class Shelf implements TarSink, Content {
  readonly #directory: string;
  readonly #limit: Limit;
  /** Path in the archive → file, or what it is a link to. */
  readonly #files = new Map<string, { readonly path: string; readonly size: number }>();
  readonly #links = new Map<string, string>();
  #open = -1;

  constructor(directory: string, limit: Limit) {
    this.#directory = directory;
    this.#limit = limit;
  }

  entry(entry: TarEntry): void {
    this.#limit.entry(entry.path.length + (entry.target?.length ?? 0));
    const name = split(entry.path).join('/');
    if (entry.type === 'link') this.#links.set(name, split(entry.target ?? '').join('/'));
    // Old dockers save a layer that two images share once, and a link to it from the other place.
    if (entry.type === 'symlink')
      this.#links.set(name, split(join(name, '..', entry.target ?? '')).join('/'));
    if (entry.type !== 'file') return;
    if (entry.sparse !== undefined) throw invalid(`'${name}' in the archive is a sparse file`);
    const path = join(this.#directory, String(this.#files.size));
    this.#open = openSync(path, 'w', 0o600);
    this.#files.set(name, { path, size: entry.size });
    this.#links.delete(name);
  }

  data(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) at += writeSync(this.#open, piece, at);
  }

  end(): void {
    if (this.#open >= 0) closeSync(this.#open);
    this.#open = -1;
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  read(path: string): Buffer {
    const file = this.#get(path);
    if (file.size > DOCUMENT_MAX) throw invalid(`'${path}' has ${file.size} bytes`);
    return readFileSync(file.path);
  }

  stream(path: string): AsyncIterable<Uint8Array> {
    return opening(this.#get(path).path);
  }

  close(): void {
    this.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #get(path: string) {
    const file = this.#find(path);
    if (file === undefined) throw invalid(`'${path}' is not in the archive`);
    return file;
  }

  #find(path: string) {
    let name = split(path).join('/');
    // Links to links are as good as missing.
    name = this.#files.has(name) ? name : (this.#links.get(name) ?? name);
    return this.#files.get(name);
  }
}

/** Opened when the first piece is asked for, which for a layer that is known is never. */
async function* opening(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 18 });
}

/** `ARCHIVE_INVALID`: it is no archive of images, or not a whole one. */
export function invalid(reason: string, hint?: string): ClocheError {
  return new ClocheError('ARCHIVE_INVALID', `this is no archive of images: ${reason}`, {
    class: 'invalid-argument',
    hint:
      hint ?? 'docker save, cloche save and skopeo write such; a root file system is for import.',
  });
}
