import { ClocheError } from '../../error.ts';
import { type Arch, errnoNumber, flagNumber, syscallNumber } from '../abi/arch.ts';
import { labelName, sizeOf } from './compose.ts';
import {
  type Arg,
  type Block,
  type Flags,
  type JumpCondition,
  type Label,
  type Part,
  PLAN_HEADER,
  type Plan,
  type Step,
} from './step.ts';

/**
 * The encoded plan, as the walker reads it. All integers are little-endian.
 *
 * The plan is mapped *shared* at `PLAN_BASE`, so an address inside of it is known when it is encoded,
 * and what the walker writes into it can be read back from the file: results, times, the failure.
 *
 * ```text
 * PLAN_BASE     header (128 bytes)
 *     +0   u64  magic "cloche01"
 *     +8   u64  index of the step to begin with
 *    +16   u64  the first failure: errno << 32 | step; all ones while there is none
 *    +24        reserved
 *    +32   u64  address of the times (32 bytes a step: begin and end as timespec), 0 = do not time
 *    +40   i64  fd to pause on, -1 = never
 *    +48        reserved
 * +128  steps, 80 bytes each, the last one an exit_group(0) that encode adds
 *     +0   u32  system call number, VALUE = no call
 *     +4   u8   jump condition
 *     +5   u8   bit 0: pause here; bit 1: tolerate any errno; bit 2: save 32 bits only
 *     +6   u16  two bits an argument: 0 = as it is, 1 = load u64, 2 = load i32
 *     +8   u32  step to jump to
 *     +12  u32  step to go on at after a failure, NOWHERE = stop
 *     +16  u8×8 tolerated errnos
 *     +24  u64  address to save the result at, 0 = none
 *     +32  u64×6 arguments
 * then    blocks, 8-byte aligned, and the times
 * ```
 */
export const PLAN_BASE = 0x10_0000_0000n;
/** The walker maps this much; a plan may not be longer. */
export const PLAN_MAX = 16 * 1024 * 1024;
/** "cloche01", as bytes. */
export const PLAN_MAGIC = 0x3130_6568_636f_6c63n;

export const HEADER = { magic: 0, start: 8, failure: 16, times: 32, pause: 40 };
export const HEADER_SIZE = 128;
export const STEP = { nr: 0, jumpOn: 4, bits: 5, kinds: 6, jumpTo: 8, failTo: 12, errnos: 16 };
export const STEP_SAVE = 24;
export const STEP_ARGS = 32;
export const STEP_SIZE = 80;
/** Bytes a step takes in the times: two timespecs. */
export const TIME_SIZE = 32;

export const VALUE = 0xffff_ffff;
export const NOWHERE = 0xffff_ffff;
export const PAUSE_BIT = 1;
export const ANY_ERRNO_BIT = 2;
export const SAVE_32_BIT = 4;

export const JUMP_CODE: Record<JumpCondition | 'never', number> = {
  never: 0,
  zero: 1,
  nonzero: 2,
  negative: 3,
  positive: 4,
  always: 5,
};

export interface EncodeOptions {
  /** Record when each step began and ended (CLOCK_MONOTONIC). */
  readonly time?: boolean | undefined;
  /** The fd on which the walker says where it is and waits for a byte before each pausing step. */
  readonly pauseFd?: number | undefined;
}

export interface EncodedPlan {
  readonly bytes: Uint8Array;
  /** Where a block lies, in bytes from the plan's beginning. */
  readonly offsetOf: ReadonlyMap<Block, number>;
  /** Where the times begin, if asked for. */
  readonly timesAt: number | undefined;
}

/**
 * The plan's bytes for the walker of `arch`. Pure: the same plan gives the same bytes.
 *
 * @throws {ClocheError} `PLAN_INVALID`: an unknown label, a call the architecture lacks, too long.
 */
export function encode(plan: Plan, arch: Arch, options: EncodeOptions = {}): EncodedPlan {
  const steps = [...plan.steps, THE_END];
  const layout = layOut(plan, steps.length, options.time ?? false);
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(HEADER.magic, PLAN_MAGIC, true);
  view.setBigInt64(HEADER.failure, -1n, true);
  view.setBigInt64(HEADER.pause, BigInt(options.pauseFd ?? -1), true);
  if (layout.timesAt !== undefined)
    view.setBigUint64(HEADER.times, PLAN_BASE + BigInt(layout.timesAt), true);

  const address = (block: Block, offset: number) => {
    const at = layout.offsetOf.get(block);
    if (at === undefined) throw new Error(`block ${block.name} was not laid out`);
    return Number(PLAN_BASE) + at + offset;
  };
  const labels = labelsOf(plan);
  const context = { arch, labels, address };
  let at = HEADER_SIZE;
  for (const step of steps) {
    writeStep(view, at, step, context);
    at += STEP_SIZE;
  }
  for (const [block, at] of layout.offsetOf) writeBlock(bytes, view, at, block, context);
  return { bytes, offsetOf: layout.offsetOf, timesAt: layout.timesAt };
}

/** Every block that the plan reaches from an argument, a saved result or another block, in order. */
export function blocksOf(plan: Plan): Set<Block> {
  const found = new Set<Block>();
  const reach = (block: Block) => {
    if (found.has(block)) return;
    found.add(block);
    for (const part of block.parts) if (isPointer(part)) reach(part.block);
  };
  for (const step of plan.steps) {
    for (const arg of step.args) if (typeof arg === 'object' && 'block' in arg) reach(arg.block);
    if (step.save !== undefined) reach(step.save.block);
  }
  return found;
}

/** Who walks past the last step leaves with exit code 0. */
const THE_END: Step = { call: 'exit_group', args: [0], why: 'the plan is done', pause: false };

interface Context {
  readonly arch: Arch;
  readonly labels: ReadonlyMap<Label, number>;
  readonly address: (block: Block, offset: number) => number;
}

function layOut(plan: Plan, count: number, time: boolean) {
  const offsetOf = new Map<Block, number>();
  let end = HEADER_SIZE + count * STEP_SIZE;
  offsetOf.set(PLAN_HEADER, 0);
  for (const block of blocksOf(plan)) {
    if (block === PLAN_HEADER) continue;
    offsetOf.set(block, end);
    end += Math.ceil(block.size / 8) * 8;
  }
  const timesAt = time ? end : undefined;
  const size = end + (time ? count * TIME_SIZE : 0);
  if (size > PLAN_MAX) throw invalid(plan, `it takes ${size} bytes, ${PLAN_MAX} is the most`);
  return { offsetOf, timesAt, size };
}

function labelsOf(plan: Plan): Map<Label, number> {
  const labels = new Map<Label, number>();
  for (const [index, step] of plan.steps.entries()) {
    if (step.label === undefined) continue;
    if (labels.has(step.label))
      throw invalid(plan, `two steps are labelled '${labelName(step.label)}'`);
    labels.set(step.label, index);
  }
  const targets = (step: Step) =>
    step.args.flatMap((arg) =>
      typeof arg === 'object' && arg.kind === 'target' ? [arg.label] : [],
    );
  for (const step of plan.steps)
    for (const wanted of [step.jump?.to, step.onFail, ...targets(step)])
      if (wanted !== undefined && !labels.has(wanted))
        throw invalid(plan, `${step.call} goes to '${labelName(wanted)}', which labels no step`);
  return labels;
}

function writeStep(view: DataView, at: number, step: Step, context: Context) {
  const { arch, labels, address } = context;
  const indexOf = (name: Label | undefined) =>
    name === undefined ? NOWHERE : (labels.get(name) ?? NOWHERE);
  view.setUint32(at + STEP.nr, numberOf(step, arch), true);
  view.setUint8(at + STEP.jumpOn, JUMP_CODE[step.jump?.on ?? 'never']);
  const bits =
    (step.pause === false ? 0 : PAUSE_BIT) |
    (step.tolerate === 'any' ? ANY_ERRNO_BIT : 0) |
    (step.save?.width === 'i32' ? SAVE_32_BIT : 0);
  view.setUint8(at + STEP.bits, bits);
  view.setUint16(at + STEP.kinds, kindsOf(step.args), true);
  view.setUint32(at + STEP.jumpTo, indexOf(step.jump?.to), true);
  view.setUint32(at + STEP.failTo, indexOf(step.onFail), true);
  const tolerated = Array.isArray(step.tolerate) ? step.tolerate : [];
  if (tolerated.length > 8) throw new RangeError(`${step.call} tolerates more than eight errnos`);
  let errno = at + STEP.errnos;
  for (const name of tolerated) view.setUint8(errno++, errnoNumber(name));
  if (step.save !== undefined)
    writeWord(view, at + STEP_SAVE, address(step.save.block, step.save.offset));
  let word = at + STEP_ARGS;
  for (const arg of step.args) {
    writeWord(view, word, wordOf(arg, context));
    word += 8;
  }
}

/** 64 bits, two's complement. Numbers are not made BigInts first: a plan has three thousand of them. */
function writeWord(view: DataView, at: number, word: number | bigint) {
  if (typeof word === 'bigint') {
    view.setBigUint64(at, BigInt.asUintN(64, word), true);
    return;
  }
  view.setUint32(at, word >>> 0, true);
  view.setUint32(at + 4, Math.floor(word / 2 ** 32) >>> 0, true);
}

function numberOf(step: Step, arch: Arch): number {
  if (step.call === 'value') return VALUE;
  const number = syscallNumber(step.call, arch);
  if (number === undefined)
    throw new ClocheError('PLAN_INVALID', `${arch} has no system call '${step.call}'`);
  return number;
}

function kindsOf(args: readonly Arg[]): number {
  return args.reduce<number>((bits, arg, i) => {
    if (typeof arg !== 'object' || arg.kind !== 'value') return bits;
    return bits | ((arg.width === 'i32' ? 2 : 1) << (i * 2));
  }, 0);
}

function wordOf(arg: Arg, { arch, labels, address }: Context): number | bigint {
  if (typeof arg !== 'object') return arg;
  switch (arg.kind) {
    case 'mode':
      return arg.mode;
    case 'target':
      return labels.get(arg.label) ?? NOWHERE;
    case 'flags':
      return orOf(arg, arch);
    case 'pointer':
    case 'value':
      return address(arg.block, arg.offset);
  }
}

function orOf({ names }: Flags, arch: Arch): number | bigint {
  const [only] = names;
  if (only !== undefined && names.length === 1) return flagNumber(only, arch);
  return names.reduce((bits, name) => bits | BigInt(flagNumber(name, arch)), 0n);
}

function writeBlock(bytes: Uint8Array, view: DataView, at: number, block: Block, context: Context) {
  let next = at;
  for (const part of block.parts) {
    if (part instanceof Uint8Array) bytes.set(part, next);
    else writeWord(view, next, wordOf(part, context));
    next += sizeOf(part);
  }
}

function isPointer(part: Part): part is Extract<Part, { kind: 'pointer' }> {
  return typeof part === 'object' && 'kind' in part && part.kind === 'pointer';
}

function invalid(plan: Plan, why: string): ClocheError {
  return new ClocheError('PLAN_INVALID', `plan '${plan.name}' cannot be encoded: ${why}`);
}
