import { readFileSync } from 'node:fs';
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

/** RLIM_INFINITY: no limit. */
const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/** A limit as the OCI config has it; units as getrlimit(2) says, 2^64-1 or -1 for none. */
export interface Rlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** The hard limits of a process, by their numbers. */
export type HardLimits = readonly bigint[];

/**
 * Sets limits on the calling process.
 *
 * `ceiling` are the hard limits above which it cannot go, undefined when it has CAP_SYS_RESOURCE.
 * What lies above is lowered to the ceiling, with a warning, as a rootless engine does.
 *
 * @throws {ClocheError} `RLIMIT_INVALID`: an unknown type, one named twice, soft above hard.
 */
export function rlimitSteps(
  limits: readonly Rlimit[],
  ceiling: HardLimits | undefined,
): StepsWithWarnings {
  const seen = new Set<string>();
  const warnings: string[] = [];
  const steps = limits.map((limit): Step => {
    const number = RLIMITS.indexOf(limit.type);
    const [soft, hard] = [word(limit.soft), word(limit.hard)];
    if (number < 0) throw invalid(`unknown limit '${limit.type}'`);
    if (seen.has(limit.type)) throw invalid(`'${limit.type}' is given twice`);
    if (soft > hard) throw invalid(`'${limit.type}' has a soft limit above its hard one`);
    seen.add(limit.type);
    const highest = ceiling?.[number] ?? UNLIMITED;
    if (hard > highest)
      warnings.push(
        `${limit.type} is ${highest} and not ${shown(hard)}: raising it needs CAP_SYS_RESOURCE`,
      );
    return set(limit.type, number, least(soft, highest), least(hard, highest));
  });
  return { steps, warnings };
}

/** The hard limits of this process, as the kernel has them at this moment. */
export function ownHardLimits(): HardLimits {
  return parseHardLimits(readFileSync('/proc/self/limits', 'latin1'));
}

/**
 * Parses the text of `/proc/PID/limits`: a heading, then a line for each limit, by their numbers:
 * `Max open files            1024                 524288               files`.
 */
export function parseHardLimits(text: string): HardLimits {
  return [...text.matchAll(/^Max .*? {2,}(?:\d+|unlimited) +(\d+|unlimited)/gm)].map(([, hard]) =>
    hard === undefined || hard === 'unlimited' ? UNLIMITED : BigInt(hard),
  );
}

function set(type: string, number: number, soft: bigint, hard: bigint): Step {
  const pair = block('rlimit', [soft, hard], { shown: `{${shown(soft)}, ${shown(hard)}}` });
  return call('prlimit64', [0, number, pointer(pair), 0], `${type} for the container`);
}

/** JSON has no 64-bit integers: what does not fit means "no limit". */
function word(limit: number): bigint {
  return limit < 0 || limit >= 2 ** 64 ? UNLIMITED : BigInt(limit);
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function shown(limit: bigint): string {
  return limit === UNLIMITED ? 'unlimited' : String(limit);
}

function invalid(message: string): ClocheError {
  return new ClocheError('RLIMIT_INVALID', message, {
    class: 'invalid-argument',
    hint: 'limits look like {"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096}; getrlimit(2) lists them',
  });
}
