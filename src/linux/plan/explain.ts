import { labelName } from './compose.ts';
import type { Arg, Plan, Step } from './step.ts';

/** One line of an explained plan, in parts, for whoever lays it out: a terminal, a page, JSON. */
export interface ExplainedStep {
  /** From 0, the number that a failure names. */
  readonly index: number;
  readonly stage: string | undefined;
  /** As strace writes it: `openat(AT_FDCWD, "/proc", O_RDONLY|O_CLOEXEC) = proc`. */
  readonly call: string;
  /** What follows the call: where it jumps, which errnos it tolerates; may be empty. */
  readonly then: readonly string[];
  readonly why: string;
  /** `openat(2)`; undefined for `value`, which is no system call. */
  readonly man: string | undefined;
}

/** The plan as an strace-like listing with the reason of each line. */
export function explain(plan: Plan): ExplainedStep[] {
  return plan.steps.map((step, index) => explainStep(step, index));
}

export function explainStep(step: Step, index: number): ExplainedStep {
  const result = step.save === undefined ? '' : ` = ${placeOf(step.save)}`;
  const then: string[] = [];
  if (step.jump !== undefined)
    then.push(
      step.jump.on === 'always'
        ? `goto ${labelName(step.jump.to)}`
        : `${step.jump.on} → ${labelName(step.jump.to)}`,
    );
  if (step.tolerate === 'any') then.push('any error is fine');
  else if (step.tolerate !== undefined) then.push(`${step.tolerate.join(', ')} is fine`);
  return {
    index,
    stage: step.stage,
    call: `${step.call}(${step.args.map(shown).join(', ')})${result}`,
    then,
    why: step.why,
    man: step.call === 'value' ? undefined : `${step.call}(2)`,
  };
}

function shown(arg: Arg): string {
  if (typeof arg !== 'object') return String(arg);
  switch (arg.kind) {
    case 'mode':
      return `0${arg.mode.toString(8)}`;
    case 'flags':
      return arg.names.length === 0 ? '0' : arg.names.join('|');
    case 'pointer':
      return (arg.block.shown ?? `&${arg.block.name}`) + (arg.offset === 0 ? '' : `+${arg.offset}`);
    case 'value':
      return placeOf(arg);
    case 'target':
      return `step ${labelName(arg.label)}`;
  }
}

function placeOf(value: Extract<Arg, { kind: 'value' }>): string {
  return value.block.name + (value.offset === 0 ? '' : `[${value.offset}]`);
}
