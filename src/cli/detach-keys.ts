import { ClocheError } from '../error.ts';

/** docker's keys that leave a container to itself, if none are said. */
export const DETACH_KEYS = 'ctrl-p,ctrl-q';

const AFTER_CTRL = 'abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * The bytes of keys such as `ctrl-p,ctrl-q` or `a,ctrl-@,z`.
 *
 * @throws {ClocheError} `KEYS_INVALID`
 */
export function parseKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(','), (key) => {
    if (/^[\x21-\x7e ]$/.test(key)) return key.charCodeAt(0);
    if (key === 'ctrl-@') return 0;
    const [, letter] = /^ctrl-(.)$/.exec(key) ?? [];
    const place = letter === undefined ? -1 : AFTER_CTRL.indexOf(letter);
    if (place >= 0) return place + 1;
    throw new ClocheError(
      'KEYS_INVALID',
      `invalid detach keys (${text}): Unknown character: '${key}'`,
      {
        class: 'invalid-argument',
        hint: 'a letter, or ctrl- with one of a-z, @, [, \\, ], ^ and _; several with commas between them',
      },
    );
  });
}

/** Watches what is typed for keys in a row. What may be their beginning is held back until it is not. */
export class KeyWatch {
  readonly #keys: Uint8Array;
  #seen = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** What goes through, and whether the keys were typed: nothing after them goes through. */
  pass(typed: Uint8Array): { readonly through: Uint8Array; readonly isLeft: boolean } {
    const through: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#seen] && this.#seen > 0) {
        through.push(...this.#keys.subarray(0, this.#seen));
        this.#seen = 0;
      }
      if (byte !== this.#keys[this.#seen]) through.push(byte);
      else if (++this.#seen === this.#keys.length)
        return { through: Uint8Array.from(through), isLeft: true };
    }
    return { through: Uint8Array.from(through), isLeft: false };
  }
}
