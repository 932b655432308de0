/**
 * An assembler for classic BPF with labels. Only unconditional jumps reach far (32 bits), a
 * conditional one no further than 255 instructions; so every conditional jump here goes to one of
 * two unconditional ones that follow it, and a program may be as long as the kernel takes (4096).
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
    return this.#put({ code, k, jf: 1 }).jump(yes).jump(no);
  }

  jump(to: Place): this {
    return this.#put({ code: 0x05, k: 0, to });
  }

  return(value: number): this {
    return this.#put({ code: 0x06, k: value });
  }

  label(place: Place): this {
    this.#places.set(place, this.#items.length);
    return this;
  }

  /** `struct sock_filter[]`: u16 code, u8 jt, u8 jf, u32 k. */
  assemble(): Uint8Array {
    const view = new DataView(new ArrayBuffer(this.#items.length * 8));
    for (const [i, { code, k, jf = 0, to }] of this.#items.entries()) {
      view.setUint16(i * 8, code, true);
      view.setUint8(i * 8 + 3, jf);
      const distance = to === undefined ? undefined : (this.#places.get(to) ?? i) - i - 1;
      if (distance !== undefined && distance < 0) throw new Error('BPF jumps only forwards');
      view.setUint32(i * 8 + 4, distance ?? k >>> 0, true);
    }
    return new Uint8Array(view.buffer);
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
  readonly jf?: number;
  readonly to?: Place;
}
