import { statfsSync } from 'node:fs';
import { ClocheError } from '../../error.ts';

/** Bytes that must stay free on the disk. */
const RESERVE = 64 * 1024 * 1024;
/** 4 GiB: real layers are smaller, and some of them are mostly zeros. */
const HARMLESS = 4 * 1024 ** 3;
/** So many times a layer may grow beyond that. Debian grows three times; a file of zeros, a thousand. */
const RATIO = 200;
/** So many entries a layer may have, and so many bytes of names and xattrs: they are in memory. */
const ENTRIES = 1_000_000;
const KEPT = 256 * 1024 * 1024;

/**
 * Stops a decompression bomb: a layer may not grow beyond the free disk, nor beyond reason.
 */
export class Limit {
  readonly #free: number;
  readonly #harmless: number;
  #bytes = 0;
  #entries = 0;
  #kept = 0;

  /** @param harmless up to so many bytes nobody asks how much the layer grows */
  constructor(root: string, harmless = HARMLESS) {
    this.#harmless = harmless;
    const { bavail, bsize } = statfsSync(root);
    this.#free = bavail * bsize - RESERVE;
  }

  /** `compressed` is how many bytes came in so far. @throws {ClocheError} `LAYER_TOO_LARGE` */
  grow(count: number, compressed: number): void {
    this.#bytes += count;
    if (this.#bytes > this.#free)
      throw tooLarge('does not fit on the disk', 'Make room, or set CLOCHE_ROOT to another disk.');
    if (this.#bytes > this.#harmless && this.#bytes > compressed * RATIO)
      throw tooLarge(
        `grows to more than ${RATIO} times its size`,
        'It looks like a decompression bomb.',
      );
  }

  /** `kept` is how many bytes of it stay in memory. @throws {ClocheError} `LAYER_TOO_LARGE` */
  entry(kept: number): void {
    this.#kept += kept;
    if (++this.#entries > ENTRIES)
      throw tooLarge(`has more than ${ENTRIES} entries`, 'No image needs as many in one layer.');
    if (this.#kept > KEPT)
      throw tooLarge('has too much in its headers', 'It looks like an attack on memory.');
  }
}

function tooLarge(what: string, hint: string): ClocheError {
  return new ClocheError('LAYER_TOO_LARGE', `the layer ${what}`, { class: 'unavailable', hint });
}
