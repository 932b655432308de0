import type { Condition, Encoder, Register, Width } from './assembler.ts';

/**
 * The walker's instruction forms for arm64. Every instruction is one 32-bit word: an opcode with
 * register numbers at bits 0 (target), 5 (first source) and 16 (second source).
 * Source: Arm Architecture Reference Manual, C6.
 *
 * A system call takes x8; x0 … x5 and returns in x0 (syscall(2)).
 */
export const aarch64: Encoder = {
  set: (to, constant) => {
    if (constant < 0n) return words(0x92800000 | (Number(~constant & 0xffffn) << 5) | R[to]); // movn
    const parts = [0, 1, 2, 3].map((i) => Number((constant >> BigInt(i * 16)) & 0xffffn));
    const rest = parts.flatMap((part, i) =>
      i > 0 && part !== 0 ? [0xf2800000 | (i << 21) | (part << 5) | R[to]] : [],
    );
    return words(0xd2800000 | ((parts[0] ?? 0) << 5) | R[to], ...rest); // movz, then movk
  },
  move: (to, from) => words(0xaa0003e0 | (R[from] << 16) | R[to]), // orr to, xzr, from
  load: (width, to, base, offset) =>
    words(LOAD[width] | scaled(offset, SIZE[width]) | (R[base] << 5) | R[to]),
  store: (width, from, base, offset) =>
    words(STORE[width] | scaled(offset, SIZE[width]) | (R[base] << 5) | R[from]),
  combine: (operation, to, from) =>
    words(COMBINE[operation] | (R[from] << 16) | (R[to] << 5) | R[to]),
  shift: (direction, to, bits) =>
    direction === 'left'
      ? words(0xd3400000 | (((64 - bits) & 63) << 16) | ((63 - bits) << 10) | (R[to] << 5) | R[to])
      : words(0xd340fc00 | (bits << 16) | (R[to] << 5) | R[to]),
  compare: (register, constant) =>
    constant < 0
      ? words(0xb100001f | (-constant << 10) | (R[register] << 5)) // cmn
      : words(0xf100001f | (constant << 10) | (R[register] << 5)), // cmp
  reserve: (size) => words(0xd10003ff | (size << 10)), // sub sp, sp, #size
  frameAddress: (to, offset) => words(0x910003e0 | (offset << 10) | R[to]), // add to, sp, #offset
  syscall: () => words(0xd4000001, 0xaa0003e0 | R.nr), // svc #0; mov x8, x0
  branch: (condition, distance) =>
    condition === 'always'
      ? words(0x14000000 | ((distance / 4) & 0x3ffffff))
      : words(0x54000000 | (((distance / 4) & 0x7ffff) << 5) | CONDITION[condition]),
};

/** x19 … x24 are preserved by the kernel; 31 is sp where it is a base. */
const R: Record<Register, number> = {
  a0: 0,
  a1: 1,
  a2: 2,
  a3: 3,
  a4: 4,
  a5: 5,
  nr: 8,
  plan: 19,
  step: 20,
  index: 21,
  result: 22,
  time: 23,
  kinds: 24,
  frame: 31,
};

/** ldrb · ldrh · ldr w · ldrsw · ldr x, each with an unsigned scaled offset */
const LOAD: Record<Width, number> = {
  u8: 0x39400000,
  u16: 0x79400000,
  u32: 0xb9400000,
  i32: 0xb9800000,
  u64: 0xf9400000,
};
const STORE = { u32: 0xb9000000, u64: 0xf9000000 } as const;
const SIZE: Record<Width, number> = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 };

/** mul is madd with xzr as the addend. */
const COMBINE = { add: 0x8b000000, sub: 0xcb000000, and: 0x8a000000, mul: 0x9b007c00 } as const;

const CONDITION: Record<Condition, number> = { eq: 0, ne: 1, ge: 10, lt: 11, gt: 12 };

function scaled(offset: number, size: number): number {
  if (offset % size !== 0 || offset < 0) throw new RangeError(`offset ${offset} for ${size} bytes`);
  return (offset / size) << 10;
}

function words(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (const [i, word] of values.entries()) view.setUint32(i * 4, word >>> 0, true);
  return new Uint8Array(view.buffer);
}
