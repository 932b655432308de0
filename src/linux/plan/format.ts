import type { JumpCondition } from './step.ts';

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

/** Says that the walker shall wait for a byte on `fd` before each step that pauses, and say there which it is. */
export function pauseOn({ bytes }: { readonly bytes: Uint8Array }, fd: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(HEADER.pause, BigInt(fd), true);
}
