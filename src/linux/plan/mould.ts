/**
 * The plan of a container and that of its twin are the same bytes but for the places where their names
 * stand. So a plan that was encoded once is a mould: another name is put in, and nothing is planned.
 */
export interface Mould {
  readonly bytes: Uint8Array;
  /** Where the name stands, and how many of its bytes: a path has all of them, a host name the first few. */
  readonly places: readonly (readonly [at: number, length: number])[];
}

/** So many characters of a random name are found nowhere else by chance. */
export const LEAST = 11;

/** @param name whose first `LEAST` characters are nowhere in the plan but as a part of it */
export function mouldOf(bytes: Uint8Array, name: string): Mould {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const letters = Buffer.from(name);
  const beginning = letters.subarray(0, LEAST);
  const places: [number, number][] = [];
  for (let at = whole.indexOf(beginning); at >= 0; at = whole.indexOf(beginning, at)) {
    let length = LEAST;
    while (length < letters.length && whole[at + length] === letters[length]) length++;
    places.push([at, length]);
    at += length;
  }
  return { bytes, places };
}

/** The plan for another name of the same length, as bytes of its own. */
export function cast({ bytes, places }: Mould, name: string): Uint8Array {
  const letters = Buffer.from(name);
  const copy = bytes.slice();
  for (const [at, length] of places) copy.set(letters.subarray(0, length), at);
  return copy;
}

/** What a text says when it does not matter whose it is: of two texts about twins the same. */
export function nameless(text: string, name: string): string {
  const [first = '', ...rest] = text.split(name.slice(0, LEAST));
  const parts = rest.map((part) => {
    let length = 0;
    while (length < part.length && part[length] === name[LEAST + length]) length++;
    return `\0${length}\0${part.slice(length)}`;
  });
  return first + parts.join('');
}
