/**
 * An assembler for classic BPF with labels. A conditional jump has eight bits for each of its two
 * distances, so one that leads further than 255 instructions goes to an unconditional jump right
 * behind it, which has 32 bits.
 *
 * Source: `linux/filter.h`, `linux/bpf_common.h`.
 */
export class Program {
  readonly #items: Instruction[] = [];
  readonly #places = new Map<Place, number>();

  /** A ← the 32-bit word at `offset` of `struct seccomp_data`. */
  load(offset: number): this {
    return this.#put({ code: 0x20, k: offset });
  }

  /** A ← A & mask */
  and(mask: number): this {
    return this.#put({ code: 0x54, k: mask });
  }

  /** Compares A, unsigned, and goes to one place or the other. */
  branch(test: 'eq' | 'gt' | 'ge', k: number, yes: Place, no: Place): this {
    const code = { eq: 0x15, gt: 0x25, ge: 0x35 }[test];
    return this.#put({ code, k, yes, no });
  }

  return(value: number): this {
    return this.#put({ code: 0x06, k: value });
  }

  /** Names the next instruction. */
  label(place: Place): this {
    this.#places.set(place, this.#items.length);
    return this;
  }

  /**
   * `struct sock_filter[]`: u16 code, u8 jt, u8 jf, u32 k. Written from the end, so that wherever a
   * jump leads, the distance is known already.
   */
  assemble(): Uint8Array {
    const words: number[] = [];
    /** How many instructions there are from an item to the end. */
    const left = new Array<number>(this.#items.length);
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i];
      if (item !== undefined) this.#write(words, item, left);
      left[i] = words.length / 2;
    }
    return new Uint8Array(Uint32Array.from(words.reverse()).buffer);
  }

  /** Appends an instruction backwards: k, then the rest; before it, the far jumps that follow it. */
  #write(words: number[], { code, k, yes, no }: Instruction, left: readonly number[]) {
    if (yes === undefined || no === undefined) {
      words.push(k >>> 0, code);
      return;
    }
    const distance = (to: Place) => words.length / 2 - this.#left(to, left);
    // One less than 255, for the other exit's far jump may come to lie in between.
    const noIsFar = distance(no) > 254;
    if (noIsFar) words.push(distance(no), JUMP);
    const yesIsFar = distance(yes) > 255;
    if (yesIsFar) words.push(distance(yes), JUMP);
    const jumpIfTrue = yesIsFar ? 0 : distance(yes);
    const jumpIfFalse = noIsFar ? Number(yesIsFar) : distance(no);
    words.push(k >>> 0, code | (jumpIfTrue << 16) | (jumpIfFalse << 24));
  }

  #left(place: Place, left: readonly number[]): number {
    const found = left[this.#places.get(place) ?? -1];
    if (found === undefined) throw new Error(`BPF jumps only forwards, and not to '${place.name}'`);
    return found;
  }

  #put(instruction: Instruction): this {
    this.#items.push(instruction);
    return this;
  }
}

/** A place to jump to, by its identity. */
export interface Place {
  readonly name: string;
}

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Where a comparison leads: if it holds, if it does not. */
  readonly yes?: Place;
  readonly no?: Place;
}

/** BPF_JMP | BPF_JA */
const JUMP = 0x05;
