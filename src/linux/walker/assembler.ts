/**
 * The walker's machine: a dozen instruction forms that x86-64 and arm64 both have, so that the
 * walker is written once (`program.ts`) and each architecture only says how a form is encoded.
 *
 * Registers are named for what the walker keeps in them: `a0` … `a5` are the arguments of a system
 * call and scratch in between; `nr` holds its number before `syscall` and its result after it;
 * `plan` … `kinds` survive a system call, all the others may be destroyed; `frame` is the stack
 * pointer, only ever the base of a load or store.
 */
export type Register =
  | 'a0'
  | 'a1'
  | 'a2'
  | 'a3'
  | 'a4'
  | 'a5'
  | 'nr'
  | 'plan'
  | 'step'
  | 'index'
  | 'result'
  | 'time'
  | 'kinds'
  | 'frame';

/** Of the last `compare`, signed. */
export type Condition = 'eq' | 'ne' | 'lt' | 'gt' | 'ge';
export type Width = 'u8' | 'u16' | 'u32' | 'i32' | 'u64';

/** What an architecture has to know. Offsets are bytes, small, and multiples of the width. */
export interface Encoder {
  /** reg ← a constant; a negative one (down to -65536) is sign-extended to 64 bits. */
  set(to: Register, constant: bigint): Uint8Array;
  move(to: Register, from: Register): Uint8Array;
  /** reg ← memory at base + offset, extended to 64 bits as `width` says. */
  load(width: Width, to: Register, base: Register, offset: number): Uint8Array;
  store(width: 'u32' | 'u64', from: Register, base: Register, offset: number): Uint8Array;
  /** to ← to ∘ from, 64 bits. */
  combine(operation: 'add' | 'sub' | 'and' | 'mul', to: Register, from: Register): Uint8Array;
  shift(direction: 'left' | 'right', to: Register, bits: number): Uint8Array;
  /** Sets what `branch` looks at. The constant lies in -4095 … 4095. */
  compare(register: Register, constant: number): Uint8Array;
  /** Makes room on the stack. */
  reserve(bytes: number): Uint8Array;
  frameAddress(to: Register, offset: number): Uint8Array;
  syscall(): Uint8Array;
  /** A jump over `distance` bytes, counted from the jump's own first byte; always the same size. */
  branch(condition: Condition | 'always', distance: number): Uint8Array;
}

/** Collects encoded instructions; labels may be used before they are placed. */
export class Assembler {
  readonly #encoder: Encoder;
  readonly #code: Uint8Array[] = [];
  readonly #places = new Map<string, number>();
  readonly #branches: { chunk: number; at: number; on: Condition | 'always'; to: string }[] = [];
  #size = 0;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /** Appends instructions: `asm.put((e) => e.move('step', 'index'))`. */
  put(encode: (encoder: Encoder) => Uint8Array): this {
    const instruction = encode(this.#encoder);
    this.#code.push(instruction);
    this.#size += instruction.length;
    return this;
  }

  label(name: string): this {
    if (this.#places.has(name)) throw new Error(`label '${name}' is placed twice`);
    this.#places.set(name, this.#size);
    return this;
  }

  branch(on: Condition | 'always', to: string): this {
    this.#branches.push({ chunk: this.#code.length, at: this.#size, on, to });
    return this.put((e) => e.branch(on, 0));
  }

  /** The machine code, every branch pointing to its label. */
  assemble(): Uint8Array {
    for (const { chunk, at, on, to } of this.#branches) {
      const place = this.#places.get(to);
      if (place === undefined) throw new Error(`label '${to}' is nowhere`);
      this.#code[chunk] = this.#encoder.branch(on, place - at);
    }
    return Uint8Array.from(this.#code.flatMap((bytes) => [...bytes]));
  }
}
