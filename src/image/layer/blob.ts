import { closeSync, fsync, openSync, rmSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Digest, hashed, sha256 } from '../digest.ts';
import { adoptBlob, type Store, temporaryPath } from '../store.ts';

/** No descriptor. */
const NONE = -1;

/**
 * A blob on its way into the store: written under a temporary name and hashed meanwhile; in its place
 * only when it is whole and on the disk.
 */
export class BlobWriter {
  readonly #store: Store;
  readonly #path: string;
  readonly #hash = sha256();
  #fd: number;
  #size = 0;

  /** @param isOurs false if somebody else stores the very bytes: then they are only hashed. */
  constructor(store: Store, isOurs = true) {
    this.#store = store;
    this.#path = temporaryPath(store);
    this.#fd = isOurs ? openSync(this.#path, 'wx', 0o644) : NONE;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
    if (this.#fd === NONE) return;
    for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
  }

  /** No more comes. The digest is to be compared before `adopt`. */
  digest(): Digest {
    return hashed(this.#hash);
  }

  /** Waits until all of it is on the disk. */
  async sync(): Promise<void> {
    if (this.#fd !== NONE) await promisify(fsync)(this.#fd);
  }

  /** Moves it to its place; it must have been synced. */
  adopt(digest: Digest): void {
    if (this.#fd === NONE) return;
    this.#close();
    adoptBlob(this.#store, this.#path, digest);
  }

  /** Removes what was written, unless it was adopted. */
  abort(): void {
    if (this.#fd === NONE) return;
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #close(): void {
    closeSync(this.#fd);
    this.#fd = NONE;
  }
}
