import { ClocheError } from '../error.ts';
import { block, call, flags, int32, pointer, type Step } from './plan/index.ts';

/** Source: sched(7), `linux/sched.h`; ISO was never there. */
const POLICIES: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const SCHED_FLAGS: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

/** Source: `linux/ioprio.h`. */
const IO_CLASSES: Readonly<Record<string, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IOPRIO_CLASS_SHIFT = 13;
const IOPRIO_WHO_PROCESS = 1;

/** How a process gets the CPU, as the OCI config has it; times are nanoseconds. Source: sched(7), sched_setattr(2). */
export interface Scheduler {
  /** `SCHED_OTHER`, `SCHED_FIFO`, … */
  readonly policy: string;
  /** -20 to 19 */
  readonly nice?: number | undefined;
  /** 1 to 99, of the real-time policies. */
  readonly priority?: number | undefined;
  /** `SCHED_FLAG_RESET_ON_FORK`, … */
  readonly flags?: readonly string[] | undefined;
  readonly runtime?: number | undefined;
  readonly deadline?: number | undefined;
  readonly period?: number | undefined;
}

/**
 * Sets the calling process's policy. Needs CAP_SYS_NICE for all that is more than others have.
 *
 * @throws {ClocheError} `SCHEDULER_INVALID`: an unknown policy or flag. Source: sched_setattr(2).
 */
export function schedulerSteps(wanted: Scheduler): Step[] {
  const { nice = 0, priority = 0, runtime = 0, deadline = 0, period = 0 } = wanted;
  const bits = (wanted.flags ?? []).map((name) => known(SCHED_FLAGS, name, 'flag'));
  // struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period.
  const policy = known(POLICIES, wanted.policy, 'policy');
  const attr = block(
    'sched_attr',
    [
      int32(SCHED_ATTR_SIZE, policy),
      bits.reduce((all, bit) => all | bit, 0),
      ...[int32(nice, priority), runtime, deadline, period],
    ],
    { shown: `{${wanted.policy}, nice=${nice}, priority=${priority}}` },
  );
  return [call('sched_setattr', [0, pointer(attr), 0], `it gets the CPU by ${wanted.policy}`)];
}

/** @throws {ClocheError} `SCHEDULER_INVALID`: an unknown class. Source: ioprio_set(2). */
export function ioPrioritySteps(wanted: { class: string; priority: number }): Step[] {
  const level = (known(IO_CLASSES, wanted.class, 'class') << IOPRIO_CLASS_SHIFT) | wanted.priority;
  const why = `it gets the disk as ${wanted.class}, ${wanted.priority}`;
  return [call('ioprio_set', [IOPRIO_WHO_PROCESS, 0, level], why)];
}

/** LINUX32: uname(2) speaks of a machine of 32 bits. Source: personality(2). */
export function personalitySteps(domain: 'LINUX' | 'LINUX32'): Step[] {
  return [
    call('personality', [flags(`PER_${domain}`)], `it sees a machine for programs of ${domain}`),
  ];
}

const SCHED_ATTR_SIZE = 48;

function known(names: Readonly<Record<string, number>>, name: string, what: string): number {
  const number = Object.hasOwn(names, name) ? names[name] : undefined;
  if (number !== undefined) return number;
  throw new ClocheError('SCHEDULER_INVALID', `there is no scheduling ${what} '${name}'`, {
    class: 'invalid-argument',
    hint: `there are ${Object.keys(names).join(', ')}`,
  });
}
