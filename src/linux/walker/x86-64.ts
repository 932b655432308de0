import type { Condition, Encoder, Register, Width } from './assembler.ts';

/**
 * The walker's instruction forms for x86-64. An instruction is: REX prefix, opcode, ModRM byte,
 * maybe a SIB byte, a displacement, an immediate. Source: Intel SDM volume 2.
 *
 * A system call takes rax; rdi, rsi, rdx, r10, r8, r9 and destroys rax, rcx, r11 (syscall(2)).
 */
export const x86_64: Encoder = {
  set: (to, constant) => {
    // mov r32, imm32 clears the upper half and is the shortest.
    if (constant >= 0n && constant < 0x8000_0000n)
      return bytes(rex(0, 0, R[to]), 0xb8 + (R[to] & 7), ...int32(Number(constant)));
    if (constant < 0n && constant >= -0x8000_0000n)
      return bytes(rex(1, 0, R[to]), 0xc7, direct(0, R[to]), ...int32(Number(constant)));
    return bytes(rex(1, 0, R[to]), 0xb8 + (R[to] & 7), ...int64(constant));
  },
  move: (to, from) => registers(0x89, from, to),
  load: (width, to, base, offset) => {
    const wide = width === 'u64' || width === 'i32' ? 1 : 0;
    return bytes(rex(wide, R[to], R[base]), ...LOAD[width], ...memory(R[to], R[base], offset));
  },
  store: (width, from, base, offset) => {
    const wide = width === 'u64' ? 1 : 0;
    return bytes(rex(wide, R[from], R[base]), 0x89, ...memory(R[from], R[base], offset));
  },
  combine: (operation, to, from) =>
    operation === 'mul'
      ? bytes(rex(1, R[to], R[from]), 0x0f, 0xaf, direct(R[to], R[from]))
      : registers({ add: 0x01, sub: 0x29, and: 0x21 }[operation], from, to),
  shift: (direction, to, bits) =>
    bytes(rex(1, 0, R[to]), 0xc1, direct(direction === 'left' ? 4 : 5, R[to]), bits),
  compare: (register, constant) =>
    bytes(rex(1, 0, R[register]), 0x81, direct(7, R[register]), ...int32(constant)),
  reserve: (size) => bytes(rex(1, 0, R.frame), 0x81, direct(5, R.frame), ...int32(size)),
  frameAddress: (to, offset) =>
    bytes(rex(1, R[to], R.frame), 0x8d, ...memory(R[to], R.frame, offset)),
  syscall: () => bytes(0x0f, 0x05),
  branch: (condition, distance) =>
    condition === 'always'
      ? bytes(0xe9, ...int32(distance - 5))
      : bytes(0x0f, CONDITION[condition], ...int32(distance - 6)),
};

const R: Record<Register, number> = {
  a0: 7, // rdi
  a1: 6, // rsi
  a2: 2, // rdx
  a3: 10,
  a4: 8,
  a5: 9,
  nr: 0, // rax
  plan: 5, // rbp
  step: 3, // rbx
  index: 12,
  result: 13,
  time: 14,
  kinds: 15,
  frame: 4, // rsp
};

/** movzx r32, m8 · movzx r32, m16 · mov r32, m32 · movsxd r64, m32 · mov r64, m64 */
const LOAD: Record<Width, readonly number[]> = {
  u8: [0x0f, 0xb6],
  u16: [0x0f, 0xb7],
  u32: [0x8b],
  i32: [0x63],
  u64: [0x8b],
};

const CONDITION: Record<Condition, number> = { eq: 0x84, ne: 0x85, lt: 0x8c, ge: 0x8d, gt: 0x8f };

/** `op r/m64, r64` with two registers. */
function registers(opcode: number, source: Register, target: Register): Uint8Array {
  return bytes(rex(1, R[source], R[target]), opcode, direct(R[source], R[target]));
}

/** W: 64 bits wide; then the fourth bits of ModRM's reg and rm (or base). */
function rex(w: 0 | 1, reg: number, rm: number): number {
  return 0x40 | (w << 3) | ((reg >> 3) << 2) | (rm >> 3);
}

/** ModRM for two registers. */
function direct(reg: number, rm: number): number {
  return 0xc0 | ((reg & 7) << 3) | (rm & 7);
}

/** ModRM, SIB where the base is rsp or r12, and an 8-bit displacement: `[base + offset]`. */
function memory(reg: number, base: number, offset: number): number[] {
  if (offset < -128 || offset > 127) throw new RangeError(`offset ${offset} does not fit a byte`);
  const modrm = 0x40 | ((reg & 7) << 3) | (base & 7);
  return (base & 7) === 4 ? [modrm, 0x24, offset & 0xff] : [modrm, offset & 0xff];
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function int32(value: number): number[] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}

function int64(value: bigint): number[] {
  return Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn));
}
