import { type NumberedRule, numbered } from './devices-v1.ts';
import type { DeviceRule } from './resources.ts';

/**
 * Device rules as an eBPF program of type BPF_PROG_TYPE_CGROUP_DEVICE, eight bytes an instruction:
 * it is asked for each opening and making of a device node, and returns 1 to allow it.
 *
 * The rules are gone through from the last to the first. `r3` holds the accesses nobody has decided
 * on yet: a fitting allow takes its own away and allows when none is left, a fitting deny that
 * finds one of its own refuses. So "the last rule that fits decides" holds for each access by
 * itself, and an open for reading and writing may be allowed by two rules.
 *
 * A device is one number, so that a rule is one comparison: three of them, one after another, leave the
 * kernel's verifier many ways to each rule, and it takes four times as long to go them all.
 *
 * @throws {ClocheError} `CGROUP_RESOURCES_INVALID`: an access that is not of `rwm`.
 *
 * Source: bpf(2), Documentation/bpf/standardization/instruction-set.rst, `bpf_cgroup_dev_ctx`.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const program = [
    // r1 points to { u32 access << 16 | type, u32 major, u32 minor }.
    load(R.type, R.context, 0),
    move(R.access, R.type),
    and(R.type, 0xffff),
    shiftRight(R.access, 16),
    load(R.pair, R.context, 4),
    load(R.device, R.context, 8),
    // All of it in one: type, 20 bits of major, 32 of minor.
    move(R.answer, R.type),
    shiftLeft(R.answer, 20),
    or(R.pair, R.answer),
    move(R.answer, R.pair),
    shiftLeft(R.answer, 32),
    or(R.device, R.answer),
  ];
  let settled = false;
  for (const rule of rules.flatMap(numbered).toReversed()) {
    program.push(...ruleCode(rule));
    settled = rule.type === 'a';
    // What comes before a rule for everything never decides, and the verifier refuses dead code.
    if (settled) break;
  }
  if (!settled) program.push(...answer(ALLOW));
  return new Uint8Array(program.flat());
}

/** Registers; r0 is the answer, and until then of any use, r1 the argument, r2 to r5 are free. */
const R = { answer: 0, context: 1, type: 2, access: 3, pair: 4, device: 5 };
/** The most that a major number has in `R.pair`; the kernel's have twelve. */
const MAJOR_BITS = 20;
const ALLOW = 1;
const DENY = 0;
/** `BPF_DEVCG_DEV_BLOCK` and `_CHAR`. */
const TYPES = { b: 1, c: 2 };
/** `BPF_DEVCG_ACC_MKNOD`, `_READ`, `_WRITE`. */
const ACCESSES: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const EVERY_ACCESS = 7;

type Instruction = number[];

function ruleCode(rule: NumberedRule): Instruction[] {
  if (rule.type === 'a') return answer(rule.allow ? ALLOW : DENY);
  // No device has such a number.
  if (rule.major >= 2 ** MAJOR_BITS) return [];
  const bits = [...rule.access].reduce((sum, letter) => sum | (ACCESSES[letter] ?? 0), 0);
  const verdict = rule.allow ? allowCode(bits) : denyCode(bits);
  return [...testCode(rule, TYPES[rule.type], verdict.length), ...verdict];
}

/** Jumps over as many instructions unless it is a device of that rule. */
function testCode({ major, minor }: NumberedRule, type: number, over: number): Instruction[] {
  const pair = type * 2 ** MAJOR_BITS + major;
  if (major !== -1 && minor !== -1)
    return [...loadWide(R.answer, minor, pair), jumpUnlessSame(R.device, R.answer, over)];
  if (major !== -1) return [jumpUnlessEqual(R.pair, pair, over)];
  if (minor === -1) return [jumpUnlessEqual(R.type, type, over)];
  return [jumpUnlessEqual(R.type, type, over + 1), jumpUnlessLow(R.device, minor, over)];
}

function allowCode(bits: number): Instruction[] {
  // Whatever nobody has decided on yet.
  if (bits === EVERY_ACCESS) return answer(ALLOW);
  return [
    and(R.access, EVERY_ACCESS & ~bits),
    jumpUnlessEqual(R.access, 0, 2), // something is left to decide: on to the rule before
    ...answer(ALLOW),
  ];
}

function denyCode(bits: number): Instruction[] {
  return [
    jumpIfAny(R.access, bits, 1),
    jumpAlways(2), // none of the accesses asked for is denied here
    ...answer(DENY),
  ];
}

function answer(allow: 0 | 1): Instruction[] {
  return [instruction(0xb7, R.answer, 0, 0, allow), instruction(0x95, 0, 0, 0, 0)];
}

/** `opcode:8 dst:4 src:4 offset:16 immediate:32`, little-endian. */
function instruction(op: number, dst: number, src: number, offset: number, immediate: number) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setUint8(0, op);
  bytes.setUint8(1, (src << 4) | dst);
  bytes.setInt16(2, offset, true);
  bytes.setInt32(4, immediate, true);
  return [...new Uint8Array(bytes.buffer)];
}

/** BPF_LDX | BPF_MEM | BPF_W */
const load = (to: number, from: number, offset: number) => instruction(0x61, to, from, offset, 0);
/** BPF_ALU64 | BPF_MOV | BPF_X */
const move = (to: number, from: number) => instruction(0xbf, to, from, 0, 0);
/** BPF_ALU64 | BPF_LSH | BPF_K */
const shiftLeft = (register: number, by: number) => instruction(0x67, register, 0, 0, by);
/** BPF_ALU64 | BPF_OR | BPF_X */
const or = (to: number, from: number) => instruction(0x4f, to, from, 0, 0);
/** BPF_LD | BPF_IMM | BPF_DW: two instructions, with half of the number each. */
const loadWide = (to: number, low: number, high: number) => [
  instruction(0x18, to, 0, 0, low | 0),
  instruction(0, 0, 0, 0, high),
];
/** BPF_ALU | BPF_AND | BPF_K */
const and = (register: number, bits: number) => instruction(0x54, register, 0, 0, bits);
/** BPF_ALU | BPF_RSH | BPF_K */
const shiftRight = (register: number, by: number) => instruction(0x74, register, 0, 0, by);
/** BPF_JMP | BPF_JNE | BPF_K */
const jumpUnlessEqual = (register: number, wanted: number, over: number) =>
  instruction(0x55, register, 0, over, wanted);
/** BPF_JMP | BPF_JNE | BPF_X */
const jumpUnlessSame = (one: number, other: number, over: number) =>
  instruction(0x5d, one, other, over, 0);
/** BPF_JMP32 | BPF_JNE | BPF_K: looks at the lower 32 bits. */
const jumpUnlessLow = (register: number, wanted: number, over: number) =>
  instruction(0x56, register, 0, over, wanted | 0);
/** BPF_JMP | BPF_JSET | BPF_K */
const jumpIfAny = (register: number, bits: number, over: number) =>
  instruction(0x45, register, 0, over, bits);
/** BPF_JMP | BPF_JA */
const jumpAlways = (over: number) => instruction(0x05, 0, 0, over, 0);
