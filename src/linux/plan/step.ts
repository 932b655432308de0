import type { ErrnoName } from '../abi/errno.ts';
import type { FlagName } from '../abi/flags.ts';
import type { SyscallName } from '../abi/syscalls.ts';

/**
 * A plan is an ordered list of system calls, as data. It can be explained, performed by the walker,
 * stepped, timed, and broken on purpose; building one does no I/O.
 *
 * The vocabulary on one screen:
 *  - a **step** is one call with its arguments and the reason why it is there;
 *  - a **block** is a piece of the plan's memory: a path, a struct, a buffer, a saved result;
 *  - an **argument** is a number, named flags, the address of a block, or what a block holds by then;
 *  - a **label** names a step so that another may jump to it.
 */
export interface Plan {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Step {
  /** `value` is no system call: its result is its first argument, for tests and copies of memory. */
  readonly call: SyscallName | 'value';
  /** At most six; the rest are 0. */
  readonly args: readonly Arg[];
  /** Why this step is here and, where it matters, why in this place. Shown to learners. */
  readonly why: string;
  /** Which process performs it, by its role: `shim`, `init`. For people; the walker ignores it. */
  readonly stage?: string | undefined;
  readonly label?: Label | undefined;
  /**
   * Where the result goes. Not written when the step jumps, nor when it fails with an errno that is
   * not tolerated: plan memory is shared by both halves of a `clone`, and a child that jumps on
   * zero must not overwrite its parent's copy of the pid.
   */
  readonly save?: Value | undefined;
  /** Errnos (at most eight) that count as success; `any` tolerates all of them. */
  readonly tolerate?: readonly ErrnoName[] | 'any' | undefined;
  readonly jump?: Jump | undefined;
  /** The label to go on at when this step fails. Without one the walker stops with exit code 125. */
  readonly onFail?: Label | undefined;
  /** Wait here when the plan is stepped. Steps between which nobody may stop have `false`. */
  readonly pause?: boolean | undefined;
}

/**
 * The name of a place to jump to. A string is known to the whole plan; an object is compared by
 * identity, for steps that jump among themselves and may stand in a plan many times.
 */
export type Label = string | { readonly name: string };

export interface Jump {
  /** Of the result: `negative` is any error, and counts as tolerated. */
  readonly on: JumpCondition;
  readonly to: Label;
}

export type JumpCondition = 'zero' | 'nonzero' | 'negative' | 'positive' | 'always';

/** An immediate number is given as it is; everything else says what it is. */
export type Arg = number | bigint | Mode | Flags | Pointer | Value | Target;

/** A number shown in octal. */
export interface Mode {
  readonly kind: 'mode';
  readonly mode: number;
}

/** The index of the step with that label, as a number: for a walker that shall begin there. */
export interface Target {
  readonly kind: 'target';
  readonly label: Label;
}

/** A set of flags by their kernel names, or-ed; their numbers may differ between architectures. */
export interface Flags {
  readonly kind: 'flags';
  readonly names: readonly FlagName[];
}

/** The address of a block (plus `offset` bytes). */
export interface Pointer {
  readonly kind: 'pointer';
  readonly block: Block;
  readonly offset: number;
}

/**
 * What lies in a block when the step is reached, or where a result is saved: a little-endian
 * integer. `i32` is sign-extended, which is what file descriptors and netlink's errnos want; `u64`
 * is the plain register.
 */
export interface Value {
  readonly kind: 'value';
  readonly block: Block;
  readonly offset: number;
  readonly width: 'i32' | 'u64';
}

/** A piece of plan memory, 8-byte aligned. Compared by identity: two equal blocks are two places. */
export interface Block {
  readonly kind: 'block';
  /** Shown by `explain` as `&name` (address) or `name` (value). */
  readonly name: string;
  /** Bytes; at least the sum of the parts, the rest is zero. */
  readonly size: number;
  readonly parts: readonly Part[];
  /** How `explain` prints its address, e.g. the quoted string; default `&name`. */
  readonly shown?: string | undefined;
}

/** Bytes as they are, or an eight-byte word: a number, flags, or the address of another block. */
export type Part = Uint8Array | number | bigint | Flags | Pointer;

/**
 * The plan's own header, where the walker finds the step to begin with at offset 8: a plan that
 * executes a fresh walker writes there first.
 */
export const PLAN_HEADER: Block = { kind: 'block', name: 'plan', size: 128, parts: [] };
