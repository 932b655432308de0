import { ClocheError } from '../error.ts';
import { errnoName, errnoText } from './abi/numbers.ts';
import { hintFor } from './hints.ts';
import type { LaunchOptions } from './launch.ts';
import { launch } from './launch-plan.ts';
import type { PlanMemory } from './memory.ts';
import { explainStep } from './plan/explain.ts';
import type { Plan } from './plan/index.ts';

/**
 * Performs the plan in a walker process of its own and waits for its end.
 *
 * What the plan saved is read from the answer: `performed.value(place)`, `performed.read(block)`.
 *
 * @throws {ClocheError} `STEP_FAILED`: names the step, the call, its arguments, the errno, a hint.
 * @example
 * const made = await perform(plan('a device', [
 *   call('mknodat', [flags('AT_FDCWD'), text('/tmp/null'), mode(S_IFCHR | 0o666), makedev(1, 3)], 'a null of our own'),
 * ]));
 */
export async function perform(plan: Plan, options: LaunchOptions = {}): Promise<Performed> {
  const launched = launch(plan, options);
  const exitCode = await launched.exited;
  const memory = launched.keep();
  launched.close();
  throwFailure(plan, memory, exitCode);
  return { ...memory, pid: launched.pid };
}

/** The plan's memory after its end, and the pid that its walker had. */
export interface Performed extends PlanMemory {
  readonly pid: number;
}

/** The failure that the plan's memory tells of, if there is one. @throws {ClocheError} `STEP_FAILED` */
export function throwFailure(plan: Plan, memory: PlanMemory, exitCode: number): void {
  const failure = memory.failure();
  if (failure !== undefined) throw stepFailed(plan, failure.step, failure.errno);
  if (exitCode !== 0)
    throw new ClocheError(
      'WALKER_DIED',
      `the walker of plan '${plan.name}' ended with ${exitCode}`,
      {
        hint: exitCode > 128 ? 'it was killed by a signal' : undefined,
        details: { plan: plan.name, exitCode },
      },
    );
}

export function stepFailed(plan: Plan, index: number, number: number): ClocheError {
  const step = plan.steps[index];
  if (step === undefined)
    return new ClocheError('STEP_FAILED', `step ${index} of '${plan.name}' failed`);
  const errno = errnoName(number);
  const explained = explainStep(step, index);
  return new ClocheError(
    'STEP_FAILED',
    `${explained.call} failed: ${errno} (${errnoText(number)})`,
    {
      class: errno === 'EPERM' || errno === 'EACCES' ? 'permission-denied' : 'internal',
      hint: hintFor(step.call, errno),
      details: {
        plan: plan.name,
        step: index,
        call: step.call,
        shown: explained.call,
        stage: step.stage,
        why: step.why,
        label: step.label,
        errno,
      },
    },
  );
}
