import type { Arch } from '../abi/arch.ts';
import { type Abi, abisOf, unknownIn } from './abis.ts';
import { among, compare } from './conditions.ts';
import type { Action, Condition, Policy, Rule } from './policy.ts';
import { Program } from './program.ts';
import { invalid, validate } from './validate.ts';

/** A filter as the kernel takes it. */
export interface Filter {
  /** `struct sock_filter[]` */
  readonly program: Uint8Array;
  readonly warnings: readonly string[];
}

/** Offsets in `struct seccomp_data`: the call's number, the architecture. */
const [NUMBER, ARCHITECTURE] = [0, 4];

/** Numbers from here on are the x32 ABI's, which shares x86-64's architecture; nobody uses it. */
const X32 = 0x40000000;
const ENOSYS = 38;
/** The most instructions that the kernel takes. */
const BPF_MAXINSNS = 4096;
/** Actions under which a call takes place after all. */
const LETS_THROUGH: readonly Action[] = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'];

/**
 * Compiles a policy to classic BPF: the architecture first, then a binary search over the numbers of
 * the calls, so that a call costs some nine comparisons and not three hundred.
 *
 * i386's calls have a search of their own where an x86-64 policy lists SCMP_ARCH_X86. Calls of other
 * architectures kill the process. Names that no kernel we know has are left out with a warning.
 * Where the default is to refuse, numbers above all that we know get ENOSYS, as runc does it: a
 * library that tries a new call then falls back to an older one, whereas EPERM makes it give up.
 *
 * @throws {ClocheError} `SECCOMP_INVALID`
 */
export function compile(policy: Policy, arch: Arch): Filter {
  validate(policy);
  const otherwise = verdict(policy.defaultAction, policy.defaultErrnoRet);
  const asm = new Program();
  asm.load(ARCHITECTURE);
  const abis = abisOf(policy, arch);
  for (const abi of abis) {
    const [ours, foreign] = [{ name: 'ours' }, { name: 'foreign' }];
    const [native, unknown] = [{ name: 'native' }, { name: 'unknown' }];
    const end = LETS_THROUGH.includes(policy.defaultAction) ? X32 : abi.newest + 1;
    asm.branch('eq', abi.audit, ours, foreign);
    asm.label(ours).load(NUMBER).branch('ge', end, unknown, native);
    asm.label(unknown).return(verdict('SCMP_ACT_ERRNO', ENOSYS));
    asm.label(native);
    search(asm, rangesOf(rulesByNumber(policy, abi, otherwise), otherwise), otherwise);
    asm.label(foreign);
  }
  asm.return(verdict('SCMP_ACT_KILL_PROCESS'));
  const warnings = warningOf(unknownIn(policy));
  const program = asm.assemble();
  const length = program.length / 8;
  if (length > BPF_MAXINSNS)
    throw invalid(`room for ${length} instructions, ${BPF_MAXINSNS} is the most`);
  return { program, warnings };
}

/** Numbers from `first` up to the next range's: all decided by the same rules. */
interface Range {
  readonly first: number;
  readonly rules: readonly Decision[];
}

interface Decision {
  readonly args: readonly Condition[];
  readonly verdict: number;
  /** Alike for decisions that are alike. */
  readonly key: string;
}

function search(asm: Program, ranges: readonly Range[], otherwise: number): void {
  const [only] = ranges;
  if (only !== undefined && ranges.length === 1) {
    decide(asm, only.rules, otherwise);
    return;
  }
  const middle = Math.floor(ranges.length / 2);
  const pivot = ranges[middle];
  if (pivot === undefined) return;
  const [upper, lower] = [{ name: 'upper' }, { name: 'lower' }];
  asm.branch('ge', pivot.first, upper, lower);
  search(asm.label(lower), ranges.slice(0, middle), otherwise);
  search(asm.label(upper), ranges.slice(middle), otherwise);
}

/** The rules of one range, in order: the first whose conditions all hold returns. */
function decide(asm: Program, rules: readonly Decision[], otherwise: number): void {
  for (let at = 0; at < rules.length; at++) {
    const { args, verdict } = rules[at] as Decision;
    const next = { name: 'next rule' };
    const values = valuesFrom(rules.slice(at));
    if (values.length > 1) {
      among(asm, args[0]?.index ?? 0, values, next);
      asm.return(verdict).label(next);
      at += values.length - 1;
      continue;
    }
    for (const condition of args) {
      const holds = { name: 'holds' };
      compare(asm, condition, holds, next);
      asm.label(holds);
    }
    asm.return(verdict).label(next);
    if (args.length === 0) return;
  }
  asm.return(otherwise);
}

/** What the first rules ask of one argument, if that is all they ask, and if all of them decide alike. */
function valuesFrom(rules: readonly Decision[]): number[] {
  const [first] = rules;
  const end = rules.findIndex(({ args: [one, ...more], verdict }) => {
    const isAlike = one?.op === 'SCMP_CMP_EQ' && more.length === 0 && verdict === first?.verdict;
    return !isAlike || one.index !== first.args[0]?.index || BigInt(one.value) >> 32n !== 0n;
  });
  return rules.slice(0, end < 0 ? undefined : end).map(({ args }) => Number(args[0]?.value));
}

function rulesByNumber(policy: Policy, abi: Abi, otherwise: number): Map<number, Decision[]> {
  const rules = new Map<number, Decision[]>();
  for (const rule of policy.syscalls ?? []) {
    const decisions = decisionsOf(rule).filter(({ verdict }) => verdict !== otherwise);
    for (const name of rule.names) {
      const number = abi.numberOf(name);
      if (number === undefined) continue;
      const all = [...(rules.get(number) ?? []), ...decisions];
      const certain = all.find(({ args }) => args.length === 0);
      if (all.length > 0) rules.set(number, certain === undefined ? all : [certain]);
    }
  }
  return rules;
}

/** One, however many: engines' own policies name the calls of all architectures. */
function warningOf(unknown: readonly string[]): string[] {
  if (unknown.length === 0) return [];
  const shown = unknown.slice(0, SHOWN).map((name) => `'${name}'`);
  const more = unknown.length > SHOWN ? ` and ${unknown.length - SHOWN} more` : '';
  return [`seccomp: no system call ${shown.join(', ')}${more} is known here`];
}

/** So many names that nobody knows are told one by one. */
const SHOWN = 3;

/** One; or, where two conditions are about one argument, one for each. */
function decisionsOf({ args = [], action, errnoRet }: Rule): Decision[] {
  const returned = verdict(action, errnoRet);
  const isEach = new Set(args.map(({ index }) => index)).size < args.length;
  return (isEach ? args.map((one) => [one]) : [args]).map((conditions) => ({
    args: conditions,
    verdict: returned,
    key: [...conditions.map(conditionKey), returned].join(),
  }));
}

function conditionKey({ index, op, value, valueTwo }: Condition): string {
  return [index, op, value, valueTwo].join(' ');
}

/** Neighbouring numbers with the same rules become one range; gaps are ranges without rules. */
function rangesOf(rules: ReadonlyMap<number, readonly Decision[]>, otherwise: number): Range[] {
  const ranges: Range[] = [{ first: 0, rules: [] }];
  let key = String(otherwise);
  const add = (first: number, decisions: readonly Decision[]) => {
    const next = decisions.map((one) => one.key).join('; ') || String(otherwise);
    if (next === key) return;
    key = next;
    if (first === 0) ranges.length = 0;
    ranges.push({ first, rules: decisions });
  };
  const numbers = [...rules.keys()].sort((a, b) => a - b);
  for (const number of numbers) {
    add(number, rules.get(number) ?? []);
    if (!rules.has(number + 1)) add(number + 1, []);
  }
  return ranges;
}

/** SECCOMP_RET_*: the action above, an errno or a tracer's number in the lower 16 bits. */
function verdict(action: Action, errno = 1): number {
  const values: Readonly<Record<Action, number>> = {
    SCMP_ACT_KILL_PROCESS: 0x80000000,
    SCMP_ACT_KILL_THREAD: 0,
    SCMP_ACT_KILL: 0,
    SCMP_ACT_TRAP: 0x00030000,
    SCMP_ACT_ERRNO: 0x00050000 | (errno & 0xffff),
    SCMP_ACT_TRACE: 0x7ff00000 | (errno & 0xffff),
    SCMP_ACT_LOG: 0x7ffc0000,
    SCMP_ACT_ALLOW: 0x7fff0000,
    SCMP_ACT_NOTIFY: 0x7fc00000,
  };
  return values[action];
}
