import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { split } from '../layer/growing.ts';
import type { TarEntry } from '../layer/reader.ts';

/** Where a file of an archive lies on this machine. */
export interface Place {
  readonly file: string;
  /** Bytes before it in that file. */
  readonly offset: number;
  readonly size: number;
}

/** Bytes; real manifests and configs have some thousands. */
const DOCUMENT_MAX = 16 << 20;

/** The files of an archive of images, by their paths in it (without `./`). */
export class Content {
  readonly #files = new Map<string, Place>();
  readonly #links = new Map<string, string>();
  readonly #close: () => void;

  /** @param close removes what was put aside */
  constructor(close: () => void = () => undefined) {
    this.#close = close;
  }

  /** Notes a link; old dockers save a layer that two images share once, and a link elsewhere. */
  addLink({ path, type, target = '' }: TarEntry): void {
    const name = split(path).join('/');
    const base = type === 'link' ? '' : join(name, '..');
    this.#links.set(name, split(join(base, target)).join('/'));
  }

  /** @throws {ClocheError} `ARCHIVE_INVALID` */
  addEntry({ path, sparse }: TarEntry, place: Place): void {
    if (sparse !== undefined) throw invalid(`'${path}' in the archive is a sparse file`);
    this.add(path, place);
  }

  add(path: string, place: Place): void {
    const name = split(path).join('/');
    this.#files.set(name, place);
    this.#links.delete(name);
  }

  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** A document. @throws {ClocheError} `ARCHIVE_INVALID`: it is missing, or too large for one */
  read(path: string): Buffer {
    const { file, offset, size } = this.#get(path);
    if (size > DOCUMENT_MAX) throw invalid(`'${path}' has ${size} bytes`);
    const content = Buffer.alloc(size);
    const fd = openSync(file, 'r');
    try {
      for (let at = 0; at < size; ) {
        const count = readSync(fd, content, at, size - at, offset + at);
        if (count === 0) throw invalid(`'${path}' is cut off`);
        at += count;
      }
    } finally {
      closeSync(fd);
    }
    return content;
  }

  /** Bytes. @throws {ClocheError} `ARCHIVE_INVALID`: it is missing */
  sizeOf(path: string): number {
    return this.#get(path).size;
  }

  /** @throws {ClocheError} `ARCHIVE_INVALID`: it is missing */
  stream(path: string): AsyncIterable<Uint8Array> {
    return opening(this.#get(path));
  }

  close(): void {
    this.#close();
  }

  #get(path: string): Place {
    const place = this.#find(path);
    if (place === undefined) throw invalid(`'${path}' is not in the archive`);
    return place;
  }

  #find(path: string): Place | undefined {
    const name = split(path).join('/');
    // A link to a link is as good as missing.
    return this.#files.get(name) ?? this.#files.get(this.#links.get(name) ?? '');
  }
}

/** Opened when the first piece is asked for, which for a layer that is known is never. */
async function* opening({ file, offset, size }: Place): AsyncGenerator<Uint8Array> {
  if (size === 0) return;
  const range = { start: offset, end: offset + size - 1 };
  yield* createReadStream(file, { ...range, highWaterMark: 1 << 18 });
}

/** `ARCHIVE_INVALID`: it is no archive of images, or not a whole one. */
export function invalid(reason: string): ClocheError {
  return new ClocheError('ARCHIVE_INVALID', `this is no archive of images: ${reason}`, {
    class: 'invalid-argument',
    hint: 'docker save, cloche save and skopeo write such; a root file system is for import.',
  });
}
