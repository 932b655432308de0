import {
  block,
  call,
  flags,
  int32,
  PLAN_HEADER,
  pointer,
  type Step,
  text,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import type { Birth } from './birth.ts';
import type { PlannedHook } from './hooks.ts';

/**
 * How a start went, for the command that has given the sign: it is no relative of init's, and the memory of
 * the plan is not in its reach. Init holds a FIFO that is closed when it executes its program, so that its end
 * says that all is well. Whatever fails before is written there first: the failure as the plan's header has
 * it (u64, errno above, step below), then the wait statuses of the hooks before the program (u64 each).
 */

/** Where init will hold it; nowhere yet. */
export function outcomePlace(): Value {
  return value(block('outcome', [int32(-1)], { size: 8 }), 0, 'i32');
}

/** Opens what lies between init and `start`, while the paths are still in sight. */
export function fifoSteps(
  { startFifo, outcomeFifo }: Pick<Birth, 'startFifo' | 'outcomeFifo'>,
  fifo: Value,
  outcome: Value,
): Step[] {
  // For both, since a FIFO that is only written to waits for its reader.
  const open = (path: string, why: string, save: Value) =>
    call('openat', [flags('AT_FDCWD'), text(path), flags('O_RDWR', 'O_CLOEXEC'), 0], why, { save });
  return [
    ...(startFifo === undefined ? [] : [open(startFifo, 'where `start` will give its sign', fifo)]),
    ...(outcomeFifo === undefined
      ? []
      : [open(outcomeFifo, 'where it will hear how it went: nothing, if all is well', outcome)]),
  ];
}

/** Where init goes when anything has failed: nobody may be listening. */
export function tellOutcome(fd: Value, hooks: readonly PlannedHook[]): Step[] {
  const tell = (from: Step['args'][0], why: string) =>
    call('write', [fd, from, 8], why, { tolerate: 'any', pause: false });
  return [
    tell(pointer(PLAN_HEADER, 16), 'what has failed'),
    ...hooks.map(({ status, hook }) => tell(pointer(status), `how the hook ${hook.path} ended`)),
  ];
}
