import { ClocheError } from '../../error.ts';
import {
  type Action,
  type Comparison,
  type Condition,
  isAskedAbout,
  type Policy,
  type Rule,
} from './policy.ts';

/**
 * Refuses a policy that does not mean what it says: it comes from a bundle's `config.json`, which
 * promises nothing, and a filter compiled from nonsense refuses or allows the wrong calls.
 *
 * Numbers are 64 bits there, but JSON as JavaScript reads it holds 53: 18446744073709551615 arrives
 * as 2^64, whose lower 64 bits are 0. What may have been rounded is refused; a bigint is exact.
 *
 * @throws {ClocheError} `SECCOMP_INVALID`. Source: runtime-spec `config-linux.md`, seccomp.
 */
export function validate(policy: Policy): void {
  validateVerdict(policy.defaultAction, policy.defaultErrnoRet);
  for (const rule of policy.syscalls ?? []) validateRule(rule);
  validateListener(policy);
}

/** In runc's words. The word that hands the listener on is written, which nobody could allow before. */
function validateListener(policy: Policy): void {
  const { defaultAction, listenerPath = '' } = policy;
  if (defaultAction === 'SCMP_ACT_NOTIFY')
    throw refused('SCMP_ACT_NOTIFY cannot be used as default action');
  if (isAskedAbout(policy, 'write'))
    throw refused('SCMP_ACT_NOTIFY cannot be used for the write syscall');
  if (isAskedAbout(policy) && listenerPath === '')
    throw refused(
      'listenerPath is not set',
      'it names the unix socket on which your agent listens',
    );
}

function refused(message: string, hint?: string): ClocheError {
  return new ClocheError('SECCOMP_INVALID', `seccomp: ${message}`, {
    class: 'invalid-argument',
    hint,
  });
}

export function invalid(what: string): ClocheError {
  return new ClocheError('SECCOMP_INVALID', `seccomp: there is no ${what}`, {
    class: 'invalid-argument',
  });
}

function validateRule({ names, action, errnoRet, args }: Rule): void {
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw invalid('list of names in a rule');
  validateVerdict(action, errnoRet);
  if (args !== undefined && !Array.isArray(args)) throw invalid(`list of conditions in '${args}'`);
  for (const condition of args ?? []) validateCondition(condition);
}

function validateVerdict(action: Action, errno = 1): void {
  if (!Object.hasOwn(ACTIONS, action)) throw invalid(`action '${action}'`);
  // The lower 16 bits of what a filter returns; the kernel itself cuts an errno at 4095.
  if (!Number.isInteger(errno) || errno < 0 || errno > 0xffff) throw invalid(`errno '${errno}'`);
}

function validateCondition({ index, op, value, valueTwo }: Condition): void {
  if (!Number.isInteger(index) || index < 0 || index > 5)
    throw invalid(`argument ${index} of a call that has six`);
  if (!Object.hasOwn(COMPARISONS, op)) throw invalid(`comparison '${op}'`);
  for (const number of [value, valueTwo ?? 0])
    if (!isExact(number)) throw invalid(`exact unsigned number of 64 bits in '${number}'`);
}

function isExact(number: number | bigint): boolean {
  if (typeof number === 'bigint') return number === BigInt.asUintN(64, number);
  return Number.isSafeInteger(number) && number >= 0;
}

/** All there are, so that the compiler of TypeScript misses one that a type gains. */
export const ACTIONS: Readonly<Record<Action, true>> = {
  SCMP_ACT_KILL: true,
  SCMP_ACT_KILL_PROCESS: true,
  SCMP_ACT_KILL_THREAD: true,
  SCMP_ACT_TRAP: true,
  SCMP_ACT_ERRNO: true,
  SCMP_ACT_TRACE: true,
  SCMP_ACT_ALLOW: true,
  SCMP_ACT_LOG: true,
  SCMP_ACT_NOTIFY: true,
};

export const COMPARISONS: Readonly<Record<Comparison, true>> = {
  SCMP_CMP_NE: true,
  SCMP_CMP_LT: true,
  SCMP_CMP_LE: true,
  SCMP_CMP_EQ: true,
  SCMP_CMP_GE: true,
  SCMP_CMP_GT: true,
  SCMP_CMP_MASKED_EQ: true,
};
