import { type FileHandle, open, rm } from 'node:fs/promises';
import { adoptBlob, blobPath, type Store, temporaryPath } from '../store.ts';
import type { Pointer } from './documents.ts';

/** A blob on its way into the store, which can be read while it arrives. */
export interface Arrival {
  /** Settles when the blob is whole and in the store, or when it will never be. */
  readonly done: Promise<void>;
  /**
   * The bytes from the first one on, as far behind the network as the reader likes. Ends without an
   * error only when the blob is whole, verified and in the store.
   */
  read(): AsyncGenerator<Uint8Array>;
}

/** Bytes read back at once. */
const PIECE = 1 << 18;

/**
 * Writes a blob's verified pieces to a temporary file, which becomes the blob. Several can arrive at
 * once whatever they are needed for first; the file is the only copy, and nothing is held in memory.
 *
 * @param pieces as of `readBlob`: they end without an error only when the digest is right
 */
export function arrive(
  store: Store,
  blob: Pointer,
  pieces: AsyncIterable<Uint8Array>,
  onBytes: (received: number) => void,
): Arrival {
  const temporary = temporaryPath(store);
  const opened = open(temporary, 'wx', 0o644);
  const tide = new Tide();
  const done = receive(opened, temporary, pieces, (bytes) => {
    onBytes(bytes);
    tide.rise(bytes);
  })
    .then(() => adoptBlob(store, temporary, blob.digest))
    .finally(() => tide.end());
  // Whoever waits for it hears of a fault; it may be that nobody does any more.
  done.catch(() => undefined);
  async function* read() {
    await opened;
    // It has its own name by now if all of it has arrived.
    const file = await open(temporary, 'r').catch(() => open(blobPath(store, blob.digest), 'r'));
    try {
      for (let at = 0; at < blob.size; ) {
        const end = await tide.above(at);
        if (end === at) break;
        const piece = Buffer.allocUnsafe(Math.min(PIECE, end - at));
        const { bytesRead } = await file.read(piece, 0, piece.length, at);
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
    await done;
  }
  return { done, read };
}

async function receive(
  opened: Promise<FileHandle>,
  temporary: string,
  pieces: AsyncIterable<Uint8Array>,
  onBytes: (received: number) => void,
): Promise<void> {
  const file = await opened;
  let received = 0;
  try {
    for await (const piece of pieces) {
      await file.writeFile(piece);
      received += piece.length;
      onBytes(received);
    }
    await file.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** How far something has come, for one who waits for more. */
class Tide {
  #level = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  rise(level: number): void {
    this.#level = level;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Waits for a level above this one; the same again once nothing more comes. */
  async above(level: number): Promise<number> {
    while (this.#level <= level && !this.#ended)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#level;
  }
}
