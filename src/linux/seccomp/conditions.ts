import type { Condition } from './policy.ts';
import type { Place, Program } from './program.ts';

/** Where the six arguments are in `struct seccomp_data`, 8 bytes each. */
const ARGUMENTS = 16;

/** BPF compares 32 bits, arguments have 64: first the upper halves, then, if they are equal, the lower. */
export function compare(asm: Program, condition: Condition, yes: Place, no: Place): void {
  const { op, index } = condition;
  const value = BigInt.asUintN(64, BigInt(condition.value));
  const [low, high] = [ARGUMENTS + index * 8, ARGUMENTS + index * 8 + 4];
  const half = (number: bigint, upper: boolean) =>
    Number((upper ? number >> 32n : number) & 0xffff_ffffn);
  const equal = { name: 'upper equal' };
  if (op === 'SCMP_CMP_MASKED_EQ') {
    // Bits outside of the mask are not looked at, in what is wanted neither.
    const wanted = BigInt.asUintN(64, BigInt(condition.valueTwo ?? 0)) & value;
    asm.load(high).and(half(value, true)).branch('eq', half(wanted, true), equal, no);
    asm.label(equal).load(low).and(half(value, false)).branch('eq', half(wanted, false), yes, no);
    return;
  }
  if (op === 'SCMP_CMP_EQ' || op === 'SCMP_CMP_NE') {
    const [same, other] = op === 'SCMP_CMP_EQ' ? [yes, no] : [no, yes];
    asm.load(high).branch('eq', half(value, true), equal, other);
    asm.label(equal).load(low).branch('eq', half(value, false), same, other);
    return;
  }
  const [test, more, less] = {
    SCMP_CMP_GT: ['gt', yes, no] as const,
    SCMP_CMP_GE: ['ge', yes, no] as const,
    SCMP_CMP_LT: ['ge', no, yes] as const,
    SCMP_CMP_LE: ['gt', no, yes] as const,
  }[op];
  const notMore = { name: 'upper not more' };
  asm.load(high).branch('gt', half(value, true), more, notMore);
  asm.label(notMore).branch('eq', half(value, true), equal, less);
  asm.label(equal).load(low).branch(test, half(value, false), more, less);
}

/**
 * Goes on where an argument is one of these values, of 32 bits, and to `none` where it is not: two comparisons
 * for each run of neighbours. As rules of their own the 37 families of `socket` would be half of the default policy.
 */
export function among(asm: Program, index: number, values: readonly number[], none: Place): void {
  const [low, found] = [{ name: 'upper half is zero' }, { name: 'one of them' }];
  asm.load(ARGUMENTS + index * 8 + 4).branch('eq', 0, low, none);
  asm.label(low).load(ARGUMENTS + index * 8);
  const runs = runsOf(values);
  for (const [i, { first, last }] of runs.entries()) {
    const within = { name: 'not above the run' };
    const above = i + 1 < runs.length ? { name: 'above the run' } : none;
    asm.branch('gt', last, above, within);
    asm.label(within).branch('ge', first, found, none);
    if (above !== none) asm.label(above);
  }
  asm.label(found);
}

/** 3, 1, 2, 7 → 1 to 3, 7 to 7 */
function runsOf(values: readonly number[]): { readonly first: number; last: number }[] {
  const runs: { readonly first: number; last: number }[] = [];
  for (const value of [...new Set(values)].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run.last + 1 === value) run.last = value;
    else runs.push({ first: value, last: value });
  }
  return runs;
}
