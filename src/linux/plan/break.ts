import type { ErrnoName } from '../abi/errno.ts';
import { errnoNumber } from '../abi/numbers.ts';
import type { Plan, Step } from './step.ts';

/**
 * The same plan, in which step `index` is not performed but fails with `errno`: for proofs that
 * whatever fails, nothing is left behind.
 *
 * @throws {RangeError} there is no such step.
 */
export function breakStep(plan: Plan, index: number, errno: ErrnoName): Plan {
  const step = plan.steps[index];
  if (step === undefined)
    throw new RangeError(`plan '${plan.name}' has no step ${index}, only ${plan.steps.length}`);
  const broken: Step = {
    ...step,
    call: 'value',
    args: [-errnoNumber(errno)],
    why: `${errno} on purpose, instead of ${step.call}`,
  };
  return { ...plan, steps: plan.steps.with(index, broken) };
}
