import { ClocheError } from '../error.ts';
import type { StepsWithWarnings } from './capabilities.ts';
import { block, call, pointer, type Step } from './plan/index.ts';

/** Resource limits by their numbers. Source: getrlimit(2), `asm-generic/resource.h`. */
const RLIMITS = [
  'RLIMIT_CPU',
  'RLIMIT_FSIZE',
  'RLIMIT_DATA',
  'RLIMIT_STACK',
  'RLIMIT_CORE',
  'RLIMIT_RSS',
  'RLIMIT_NPROC',
  'RLIMIT_NOFILE',
  'RLIMIT_MEMLOCK',
  'RLIMIT_AS',
  'RLIMIT_LOCKS',
  'RLIMIT_SIGPENDING',
  'RLIMIT_MSGQUEUE',
  'RLIMIT_NICE',
  'RLIMIT_RTPRIO',
  'RLIMIT_RTTIME',
];

/** A limit as the OCI config has it; units as getrlimit(2) says, 2^64-1 or -1 for none. */
export interface Rlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/**
 * Sets limits on the calling process.
 *
 * `mayRaise` says whether the process has CAP_SYS_RESOURCE. Without it a hard limit cannot be
 * raised: then the step tolerates EPERM, the old limit stays, and a warning says so.
 *
 * @throws {ClocheError} `RLIMIT_INVALID`: an unknown type, or one named twice.
 */
export function rlimitSteps(limits: readonly Rlimit[], mayRaise: boolean): StepsWithWarnings {
  const seen = new Set<string>();
  const steps = limits.map((limit): Step => {
    const number = RLIMITS.indexOf(limit.type);
    if (number < 0 || seen.has(limit.type))
      throw new ClocheError(
        'RLIMIT_INVALID',
        number < 0 ? `unknown limit '${limit.type}'` : `'${limit.type}' is given twice`,
        {
          class: 'invalid-argument',
          hint: 'names look like RLIMIT_NOFILE; getrlimit(2) lists them',
        },
      );
    seen.add(limit.type);
    const pair = block('rlimit', [word(limit.soft), word(limit.hard)], {
      shown: `{${limit.soft}, ${limit.hard}}`,
    });
    return call('prlimit64', [0, number, pointer(pair), 0], `${limit.type} for the container`, {
      tolerate: mayRaise ? undefined : ['EPERM'],
    });
  });
  const warnings =
    mayRaise || limits.length === 0
      ? []
      : [
          'hard limits above our own cannot be set without CAP_SYS_RESOURCE; there the old ones stay',
        ];
  return { steps, warnings };
}

/** JSON has no 64-bit integers: what does not fit means "no limit". */
function word(limit: number): bigint {
  return limit < 0 || limit >= 2 ** 64 ? 0xffff_ffff_ffff_ffffn : BigInt(limit);
}
