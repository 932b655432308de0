import type { Arch } from '../abi/arch.ts';
import { syscallNumber } from '../abi/numbers.ts';
import type { SyscallName } from '../abi/syscalls.ts';
import {
  ANY_ERRNO_BIT,
  HEADER,
  HEADER_SIZE,
  JUMP_CODE,
  PAUSE_BIT,
  PLAN_BASE,
  PLAN_MAX,
  SAVE_32_BIT,
  STEP,
  STEP_ARGS,
  STEP_SAVE,
  STEP_SIZE,
} from '../plan/format.ts';
import { Assembler, type Encoder, type Register } from './assembler.ts';

/** The fd on which the walker finds its plan. */
export const PLAN_FD = 3;

/**
 * The walker: the only native code of cloche.
 *
 * It maps the plan and performs it: load six arguments, `syscall`, jump or check or save, next. It
 * knows nothing of containers, allocates nothing and calls nothing. Everything that it learns
 * (results, times, the first failure) it leaves in the plan's shared memory for whoever wrote it.
 */
export function walkerProgram(encoder: Encoder, arch: Arch): Uint8Array {
  const asm = new Assembler(encoder);
  const system = (name: SyscallName) =>
    asm.put((e) => e.set('nr', BigInt(syscallNumber(name, arch) ?? 0))).put((e) => e.syscall());

  mapThePlan(asm, system);
  asm.label('step');
  findTheStep(asm);
  pauseHere(asm, system);
  noteTheTime(asm, system, 0);
  loadTheArguments(asm);
  performIt(asm);
  noteTheTime(asm, system, 16);
  jumpIfAsked(asm);
  failUnlessTolerated(asm);
  saveTheResult(asm);
  leave(asm, system);
  return asm.assemble();
}

type System = (name: SyscallName) => Assembler;

/** mmap(PLAN_BASE, PLAN_MAX, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, PLAN_FD, 0) */
function mapThePlan(asm: Assembler, system: System) {
  const args = [PLAN_BASE, BigInt(PLAN_MAX), 3n, 0x11n, BigInt(PLAN_FD), 0n];
  for (const [i, arg] of args.entries()) asm.put((e) => e.set(argument(i), arg));
  system('mmap');
  asm
    .put((e) => e.compare('nr', 0))
    .branch('lt', 'leave')
    .put((e) => e.move('plan', 'nr'))
    // Six words for the arguments, one for what is said when pausing; the stack stays 16-aligned.
    .put((e) => e.reserve(64))
    .put((e) => e.load('u64', 'index', 'plan', HEADER.start));
}

/** step = plan + HEADER_SIZE + index * STEP_SIZE */
function findTheStep(asm: Assembler) {
  asm
    .put((e) => e.set('step', BigInt(STEP_SIZE)))
    .put((e) => e.combine('mul', 'step', 'index'))
    .put((e) => e.combine('add', 'step', 'plan'))
    .put((e) => e.set('a0', BigInt(HEADER_SIZE)))
    .put((e) => e.combine('add', 'step', 'a0'));
}

/**
 * Says the index (8 bytes) on the pause fd and waits for one byte. When the other side is gone, the
 * step fails with ECANCELED and nobody waits any more, so that what the plan does on failure runs.
 */
function pauseHere(asm: Assembler, system: System) {
  testBit(asm, PAUSE_BIT).branch('eq', 'go');
  asm
    .put((e) => e.load('u64', 'a0', 'plan', HEADER.pause))
    .put((e) => e.compare('a0', 0))
    .branch('lt', 'go')
    .put((e) => e.store('u64', 'index', 'frame', 48))
    .put((e) => e.frameAddress('a1', 48))
    .put((e) => e.set('a2', 8n))
    .put((e) => e.set('a3', 0x4000n)) // MSG_NOSIGNAL
    .put((e) => e.set('a4', 0n))
    .put((e) => e.set('a5', 0n));
  system('sendto');
  asm
    .put((e) => e.load('u64', 'a0', 'plan', HEADER.pause))
    .put((e) => e.frameAddress('a1', 48))
    .put((e) => e.set('a2', 1n));
  system('read');
  asm
    .put((e) => e.compare('nr', 0))
    .branch('gt', 'go')
    .put((e) => e.set('a0', -1n))
    .put((e) => e.store('u64', 'a0', 'plan', HEADER.pause))
    .put((e) => e.set('result', -125n)) // -ECANCELED
    .branch('always', 'fail')
    .label('go');
}

/** clock_gettime(CLOCK_MONOTONIC, times + index * 32 + offset), if times are wanted. */
function noteTheTime(asm: Assembler, system: System, offset: 0 | 16) {
  asm
    .put((e) => e.load('u64', 'time', 'plan', HEADER.times))
    .put((e) => e.compare('time', 0))
    .branch('eq', `timed${offset}`)
    .put((e) => e.move('a1', 'index'))
    .put((e) => e.shift('left', 'a1', 5))
    .put((e) => e.combine('add', 'a1', 'time'))
    .put((e) => e.set('a0', BigInt(offset)))
    .put((e) => e.combine('add', 'a1', 'a0'))
    .put((e) => e.set('a0', 1n));
  system('clock_gettime').label(`timed${offset}`);
}

/** Resolves each argument into the frame, then takes all six into their registers. */
function loadTheArguments(asm: Assembler) {
  asm.put((e) => e.load('u16', 'kinds', 'step', STEP.kinds));
  for (let i = 0; i < 6; i++) {
    asm
      .put((e) => e.load('u64', 'a0', 'step', STEP_ARGS + i * 8))
      .put((e) => e.set('a1', 3n))
      .put((e) => e.combine('and', 'a1', 'kinds'))
      .put((e) => e.compare('a1', 1))
      .branch('lt', `arg${i}`)
      .branch('gt', `narrow${i}`)
      .put((e) => e.load('u64', 'a0', 'a0', 0))
      .branch('always', `arg${i}`)
      .label(`narrow${i}`)
      .put((e) => e.load('i32', 'a0', 'a0', 0))
      .label(`arg${i}`)
      .put((e) => e.store('u64', 'a0', 'frame', i * 8))
      .put((e) => e.shift('right', 'kinds', 2));
  }
  for (let i = 0; i < 6; i++) asm.put((e) => e.load('u64', argument(i), 'frame', i * 8));
}

/** A number of -1 (VALUE) is no call: the first argument is the result. */
function performIt(asm: Assembler) {
  asm
    .put((e) => e.load('i32', 'nr', 'step', STEP.nr))
    .put((e) => e.compare('nr', -1))
    .branch('ne', 'call')
    .put((e) => e.move('result', 'a0'))
    .branch('always', 'performed')
    .label('call')
    .put((e) => e.syscall())
    .put((e) => e.move('result', 'nr'))
    .label('performed');
}

function jumpIfAsked(asm: Assembler) {
  asm.put((e) => e.load('u8', 'a0', 'step', STEP.jumpOn));
  asm.put((e) => e.compare('a0', JUMP_CODE.never)).branch('eq', 'stay');
  asm.put((e) => e.compare('a0', JUMP_CODE.always)).branch('eq', 'jump');
  const conditions = [
    ['zero', 'eq'],
    ['nonzero', 'ne'],
    ['negative', 'lt'],
    ['positive', 'gt'],
  ] as const;
  for (const [name, condition] of conditions)
    asm
      .put((e) => e.compare('a0', JUMP_CODE[name]))
      .branch('ne', `not-${name}`)
      .put((e) => e.compare('result', 0))
      .branch(condition, 'jump')
      .label(`not-${name}`);
  asm
    .branch('always', 'stay')
    .label('jump')
    .put((e) => e.load('u32', 'index', 'step', STEP.jumpTo))
    .branch('always', 'step')
    .label('stay');
}

/** Results of -4095 … -1 are errnos (syscall(2)); the first failure of the plan is written down. */
function failUnlessTolerated(asm: Assembler) {
  asm
    .put((e) => e.compare('result', 0))
    .branch('ge', 'save')
    .put((e) => e.compare('result', -4095))
    .branch('lt', 'save');
  testBit(asm, ANY_ERRNO_BIT).branch('ne', 'save');
  for (let i = 0; i < 8; i++)
    asm
      .put((e) => e.load('u8', 'a0', 'step', STEP.errnos + i))
      .put((e) => e.combine('add', 'a0', 'result'))
      .put((e) => e.compare('a0', 0))
      .branch('eq', 'save');
  asm
    .label('fail')
    .put((e) => e.load('u64', 'a0', 'plan', HEADER.failure))
    .put((e) => e.compare('a0', -1))
    .branch('ne', 'known')
    .put((e) => e.set('a0', 0n))
    .put((e) => e.combine('sub', 'a0', 'result'))
    .put((e) => e.shift('left', 'a0', 32))
    .put((e) => e.combine('add', 'a0', 'index'))
    .put((e) => e.store('u64', 'a0', 'plan', HEADER.failure))
    .label('known')
    .put((e) => e.load('i32', 'index', 'step', STEP.failTo))
    .put((e) => e.compare('index', -1))
    .branch('ne', 'step')
    .branch('always', 'leave');
}

function saveTheResult(asm: Assembler) {
  asm
    .label('save')
    .put((e) => e.load('u64', 'a2', 'step', STEP_SAVE))
    .put((e) => e.compare('a2', 0))
    .branch('eq', 'next');
  testBit(asm, SAVE_32_BIT).branch('ne', 'save32');
  asm
    .put((e) => e.store('u64', 'result', 'a2', 0))
    .branch('always', 'next')
    .label('save32')
    .put((e) => e.store('u32', 'result', 'a2', 0))
    .label('next')
    .put((e) => e.set('a0', 1n))
    .put((e) => e.combine('add', 'index', 'a0'))
    .branch('always', 'step');
}

/** exit_group(125): the plan could not be mapped, or a step failed that has nowhere to go on. */
function leave(asm: Assembler, system: System) {
  asm.label('leave').put((e) => e.set('a0', 125n));
  system('exit_group');
}

/** Compares a bit of the step's flags with zero: `eq` when it is not set. Leaves a2 … a5 alone. */
function testBit(asm: Assembler, bit: number): Assembler {
  return asm
    .put((e) => e.load('u8', 'a0', 'step', STEP.bits))
    .put((e) => e.set('a1', BigInt(bit)))
    .put((e) => e.combine('and', 'a0', 'a1'))
    .put((e) => e.compare('a0', 0));
}

function argument(i: number): Register {
  return (['a0', 'a1', 'a2', 'a3', 'a4', 'a5'] as const)[i] ?? 'a0';
}
