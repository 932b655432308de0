import { ClocheError } from '../../error.ts';
import type { Arch } from '../abi/arch.ts';
import type { ErrnoName } from '../abi/errno.ts';
import { errnoNumber, flagNumber, syscallNumber } from '../abi/numbers.ts';
import { labelName, sizeOf } from './compose.ts';
import {
  ANY_ERRNO_BIT,
  HEADER,
  HEADER_SIZE,
  JUMP_CODE,
  NOWHERE,
  PAUSE_BIT,
  PLAN_BASE,
  PLAN_MAGIC,
  PLAN_MAX,
  SAVE_32_BIT,
  STEP,
  STEP_ARGS,
  STEP_SAVE,
  STEP_SIZE,
  TIME_SIZE,
  VALUE,
} from './format.ts';
import {
  type Arg,
  type Block,
  type Flags,
  type Label,
  type Part,
  PLAN_HEADER,
  type Plan,
  type Step,
} from './step.ts';

export interface EncodeOptions {
  /** Record when each step began and ended (CLOCK_MONOTONIC). */
  readonly time?: boolean | undefined;
}

export interface EncodedPlan {
  /** The plan's name, and how many steps it has. */
  readonly name: string;
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Where a block lies, in bytes from the plan's beginning. */
  readonly offsetOf: ReadonlyMap<Block, number>;
  /** Where the times begin, if they were asked for. */
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
  const context = { arch, labels: labelsOf(plan), offsetOf: layout.offsetOf };
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(HEADER.magic, PLAN_MAGIC, true);
  view.setBigInt64(HEADER.failure, -1n, true);
  view.setBigInt64(HEADER.pause, -1n, true);
  if (layout.timesAt !== undefined)
    view.setBigUint64(HEADER.times, PLAN_BASE + BigInt(layout.timesAt), true);
  bytes.set(stepsOf(steps, context), HEADER_SIZE);
  for (const [block, at] of layout.offsetOf) writeBlock(bytes, view, at, block, context);
  const { offsetOf, timesAt } = layout;
  return { name: plan.name, count: plan.steps.length, bytes, offsetOf, timesAt };
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
  readonly offsetOf: ReadonlyMap<Block, number>;
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
  const verify = (step: Step, wanted: Label | undefined) => {
    if (wanted !== undefined && !labels.has(wanted))
      throw invalid(plan, `${step.call} goes to '${labelName(wanted)}', which labels no step`);
  };
  for (const step of plan.steps) {
    verify(step, step.jump?.to);
    verify(step, step.onFail);
    for (const arg of step.args)
      if (typeof arg === 'object' && arg.kind === 'target') verify(step, arg.label);
  }
  return labels;
}

/**
 * The steps, in words of 32 bits. They are gathered in a plain array, since this runs once and is
 * interpreted: ten thousand calls of a DataView's methods would take longer than the container's birth.
 */
function stepsOf(steps: readonly Step[], context: Context): Uint8Array {
  const words: number[] = new Array((steps.length * STEP_SIZE) / 4).fill(0);
  let at = 0;
  for (const step of steps) {
    writeStep(words, at, step, context);
    at += STEP_SIZE / 4;
  }
  return new Uint8Array(Uint32Array.from(words).buffer);
}

function writeStep(words: number[], at: number, step: Step, context: Context) {
  const { labels } = context;
  const { jump, save, tolerate, onFail, args } = step;
  const bits =
    (step.pause === false ? 0 : PAUSE_BIT) |
    (tolerate === 'any' ? ANY_ERRNO_BIT : 0) |
    (save !== undefined && save.width === 'i32' ? SAVE_32_BIT : 0);
  const jumpOn = jump === undefined ? JUMP_CODE.never : JUMP_CODE[jump.on];
  words[at + STEP.nr / 4] = numberOf(step, context.arch);
  words[at + STEP.jumpOn / 4] = jumpOn | (bits << 8) | (kindsOf(args) << 16);
  words[at + STEP.jumpTo / 4] = indexOf(labels, jump?.to);
  words[at + STEP.failTo / 4] = indexOf(labels, onFail);
  if (Array.isArray(tolerate)) writeErrnos(words, at + STEP.errnos / 4, step, tolerate);
  if (save !== undefined) writeWord(words, at + STEP_SAVE / 4, save, context);
  let word = at + STEP_ARGS / 4;
  for (const arg of args) {
    writeWord(words, word, arg, context);
    word += 2;
  }
}

function writeErrnos(words: number[], at: number, { call }: Step, names: readonly ErrnoName[]) {
  if (names.length > 8) throw new RangeError(`${call} tolerates more than eight errnos`);
  const numbers = new Uint8Array(8);
  for (const [i, name] of names.entries()) numbers[i] = errnoNumber(name);
  const view = new DataView(numbers.buffer);
  words[at] = view.getUint32(0, true);
  words[at + 1] = view.getUint32(4, true);
}

function indexOf(labels: ReadonlyMap<Label, number>, name: Label | undefined): number {
  return name === undefined ? NOWHERE : (labels.get(name) ?? NOWHERE);
}

/** 64 bits, two's complement, as two words, the lower one first. */
function writeWord(
  words: number[],
  at: number,
  part: Exclude<Part, Uint8Array> | Arg,
  about: Context,
) {
  const word = wordOf(part, about);
  if (typeof word === 'number') {
    words[at] = word >>> 0;
    words[at + 1] = Math.floor(word / 2 ** 32) >>> 0;
    return;
  }
  const unsigned = BigInt.asUintN(64, word);
  words[at] = Number(unsigned & 0xffff_ffffn);
  words[at + 1] = Number(unsigned >> 32n);
}

function numberOf(step: Step, arch: Arch): number {
  if (step.call === 'value') return VALUE;
  const number = syscallNumber(step.call, arch);
  if (number === undefined)
    throw new ClocheError('PLAN_INVALID', `${arch} has no system call '${step.call}'`);
  return number;
}

function kindsOf(args: readonly Arg[]): number {
  let bits = 0;
  let shift = 0;
  for (const arg of args) {
    if (typeof arg === 'object' && arg.kind === 'value')
      bits |= (arg.width === 'i32' ? 2 : 1) << shift;
    shift += 2;
  }
  return bits;
}

function wordOf(arg: Arg, { arch, labels, offsetOf }: Context): number | bigint {
  if (typeof arg !== 'object') return arg;
  switch (arg.kind) {
    case 'mode':
      return arg.mode;
    case 'target':
      return indexOf(labels, arg.label);
    case 'flags':
      return orOf(arg, arch);
    case 'pointer':
    case 'value': {
      const at = offsetOf.get(arg.block);
      if (at === undefined) throw new Error(`block ${arg.block.name} was not laid out`);
      return BASE + at + arg.offset;
    }
  }
}

const BASE = Number(PLAN_BASE);

/** Each half by itself: `|` knows 32 bits. */
function orOf({ names }: Flags, arch: Arch): number {
  const [only] = names;
  if (only !== undefined && names.length === 1) return flagNumber(only, arch);
  let [low, high] = [0, 0];
  for (const name of names) {
    const number = flagNumber(name, arch);
    low |= number;
    high |= Math.floor(number / 2 ** 32);
  }
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

function writeBlock(bytes: Uint8Array, view: DataView, at: number, block: Block, context: Context) {
  let next = at;
  for (const part of block.parts) {
    if (part instanceof Uint8Array) bytes.set(part, next);
    else {
      const words: number[] = [];
      writeWord(words, 0, part, context);
      view.setUint32(next, words[0] ?? 0, true);
      view.setUint32(next + 4, words[1] ?? 0, true);
    }
    next += sizeOf(part);
  }
}

function isPointer(part: Part): part is Extract<Part, { kind: 'pointer' }> {
  return typeof part === 'object' && 'kind' in part && part.kind === 'pointer';
}

function invalid(plan: Plan, why: string): ClocheError {
  return new ClocheError('PLAN_INVALID', `plan '${plan.name}' cannot be encoded: ${why}`);
}
