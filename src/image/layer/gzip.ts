import { createGzip } from 'node:zlib';
import type { BlobWriter } from './blob.ts';

/** Bytes. */
const PIECE = 1 << 18;

/**
 * Compresses what is written to it into a blob; zlib works on other threads meanwhile.
 *
 * gzip at level 1: 121 MB of Debian took 0.8 s and became 62 MB (zstd: 0.5 s, 50 MB; gzip level 6:
 * 2.3 s, 50 MB). umoci 0.4.7, which Debian 12 has, does not know zstd.
 */
export class GzipWriter {
  readonly #gzip = createGzip({ level: 1, chunkSize: PIECE });
  readonly #ended: Promise<void>;

  constructor(blob: BlobWriter) {
    this.#ended = new Promise((resolve, reject) => {
      this.#gzip.on('end', resolve).on('error', reject);
      this.#gzip.on('data', (chunk: Buffer) => {
        try {
          blob.write(chunk);
        } catch (error) {
          this.#gzip.destroy(error as Error);
        }
      });
    });
    // Whoever writes hears of it from `write` or `end`.
    this.#ended.catch(() => undefined);
  }

  /** The piece may not be changed afterwards. Waits while there is more to do than memory for it. */
  async write(piece: Buffer): Promise<void> {
    if (this.#gzip.destroyed) return this.#ended;
    if (this.#gzip.write(piece)) return;
    await Promise.race([new Promise((resolve) => this.#gzip.once('drain', resolve)), this.#ended]);
  }

  /** Nothing comes any more; all is in the blob then. */
  async end(): Promise<void> {
    this.#gzip.end();
    await this.#ended;
  }

  abort(): void {
    this.#gzip.destroy();
  }
}
