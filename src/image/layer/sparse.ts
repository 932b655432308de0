import { type Fields, numberAt } from './fields.ts';
import { invalidTar } from './invalid.ts';
import { type Pax, whole } from './pax.ts';
import type { Piece } from './reader.ts';
import type { RawPath } from './scan.ts';

/** A file may have so many pieces; tar itself writes one per 4 KB at the worst. */
const PIECES_MAX = 1 << 20;

/**
 * The map of a sparse file, in whichever of GNU tar's four forms: in the header and blocks after it
 * (`oldgnu`), in PAX records (0.0, 0.1), or as text at the beginning of the content (1.0).
 *
 * Source: GNU tar's manual, "Storing Sparse Files"; `tar.h` for the old form.
 */
export class SparseMap {
  /** Whether the map stands in the content, and so takes of its length. */
  readonly isInData: boolean;
  readonly #size: number;
  readonly #path: RawPath | undefined;
  readonly #pieces: Piece[] = [];
  #isComplete: boolean;
  /** Form 1.0: what is left of the last block's text, and the numbers so far. */
  #text = '';
  readonly #numbers: number[] = [];

  private constructor(size: number, path: RawPath | undefined, form: { isInData: boolean }) {
    this.#size = size;
    this.#path = path;
    this.isInData = form.isInData;
    this.#isComplete = false;
  }

  /** The map that begins with this header; undefined for a plain file. @throws `LAYER_INVALID` */
  static of(block: Buffer, fields: Fields, pax: Pax): SparseMap | undefined {
    if (fields.type === 'S') return SparseMap.#old(block);
    if (pax.sparse === undefined || (fields.type !== '0' && fields.type !== '7')) return undefined;
    const said = new Map(pax.sparse);
    const size = whole('GNU.sparse.size', said.get('realsize') ?? said.get('size') ?? '');
    const isInData = said.get('major') === '1' && said.get('minor') === '0';
    const map = new SparseMap(size, said.get('name'), { isInData });
    if (!isInData) map.#fromRecords(said.get('map'), pax.sparse);
    return map;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** One more block of it. @returns whether it was a block of the content. */
  push(block: Buffer): boolean {
    if (this.isInData) this.#readText(block);
    else this.#readOld(block, 0, 21, 504);
    return this.isInData;
  }

  /** `stored` is how many bytes of content are left. @throws {ClocheError} `LAYER_INVALID` */
  finish(stored: number): { pieces: readonly Piece[]; size: number; path: RawPath | undefined } {
    let end = 0;
    let total = 0;
    for (const { offset, length } of this.#pieces) {
      if (offset < end || length < 0) throw broken();
      end = offset + length;
      total += length;
    }
    if (total !== stored || end > this.#size || !Number.isSafeInteger(end)) throw broken();
    const pieces = this.#pieces.filter(({ length }) => length > 0);
    return { pieces, size: this.#size, path: this.#path };
  }

  static #old(block: Buffer): SparseMap {
    const size = numberAt(block, 483, 12, 'size of a sparse file');
    const map = new SparseMap(size, undefined, { isInData: false });
    map.#readOld(block, 386, 4, 482);
    return map;
  }

  /** Pairs of twelve bytes each, and a flag whether another block of them follows. */
  #readOld(block: Buffer, at: number, count: number, flag: number): void {
    for (let i = 0; i < count && block[at + i * 24] !== 0; i++) {
      const offset = numberAt(block, at + i * 24, 12, 'offset in a sparse file');
      this.#add(offset, numberAt(block, at + i * 24 + 12, 12, 'length in a sparse file'));
    }
    this.#isComplete = block[flag] === 0;
  }

  #fromRecords(map: string | undefined, records: readonly (readonly [string, string])[]): void {
    const numbers =
      map !== undefined
        ? map.split(',').filter((text) => text !== '')
        : records.filter(([key]) => key === 'offset' || key === 'numbytes').map(([, text]) => text);
    if (numbers.length % 2 !== 0) throw broken();
    for (let i = 0; i < numbers.length; i += 2)
      this.#add(whole('GNU.sparse', numbers[i] ?? ''), whole('GNU.sparse', numbers[i + 1] ?? ''));
    this.#isComplete = true;
  }

  /** Numbers in lines: how many pieces, then each one's offset and length; zeros up to a block. */
  #readText(block: Buffer): void {
    const lines = (this.#text + block.toString('latin1')).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) {
      this.#numbers.push(whole('GNU.sparse', line));
      const [count = 0] = this.#numbers;
      if (count > PIECES_MAX) throw broken();
      if (this.#numbers.length < 1 + 2 * count) continue;
      this.#endText();
      return;
    }
    if (this.#text.length > 20) throw broken();
  }

  #endText(): void {
    for (let i = 1; i < this.#numbers.length; i += 2)
      this.#add(this.#numbers[i] ?? 0, this.#numbers[i + 1] ?? 0);
    this.#isComplete = true;
  }

  #add(offset: number, length: number): void {
    if (this.#pieces.length >= PIECES_MAX) throw broken();
    this.#pieces.push({ offset, length });
  }
}

function broken() {
  return invalidTar('has a broken map of a sparse file');
}
