import { closeSync, constants, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { errnoName, errnoText } from '../../linux/abi/numbers.ts';
import { hintFor } from '../../linux/hints.ts';
import { explainStep } from '../../linux/plan/explain.ts';
import type { Step } from '../../linux/plan/index.ts';
import type { ContainerPlan } from '../birth/container.ts';
import type { PlannedHook } from '../birth/hooks.ts';
import { AWAIT_START } from '../birth/settle.ts';
import { hookError } from './inner-hooks.ts';
import { programError } from './program.ts';

/** What `start` must know of a plan to word a failure that it hears of: the steps that were yet to come. */
interface Late {
  readonly args: readonly string[];
  readonly steps: readonly LateStep[];
  readonly hooks: readonly Pick<PlannedHook, 'name' | 'hook'>[];
}

interface LateStep {
  readonly index: number;
  readonly call: Step['call'];
  readonly shown: string;
  readonly why: string;
}

/** Where init says how a start went: see `birth/outcome.ts`. */
export function outcomePath(directory: string): string {
  return join(directory, 'outcome.fifo');
}

const latePath = (directory: string) => join(directory, 'late.json');

/** Writes down, at `create`, what a `start` may have to say. */
export function noteLate(
  directory: string,
  { plan, hooks }: Pick<ContainerPlan, 'plan' | 'hooks'>,
  args: readonly string[],
): void {
  const first = plan.steps.findIndex(({ label }) => label === AWAIT_START);
  const late: Late = {
    args,
    steps: plan.steps.slice(first).map((step, i) => {
      const { call, why } = step;
      return { index: first + i, call, why, shown: explainStep(step, first + i).call };
    }),
    hooks: hooks.planned.filter(({ name }) => name === 'startContainer'),
  };
  writeFileSync(latePath(directory), JSON.stringify(late));
}

/**
 * Gives the sign and waits until init has executed its program, or until it has said what went wrong.
 *
 * @throws {ClocheError} what it said; what `giveSign` throws
 */
export async function started(directory: string, giveSign: () => void): Promise<void> {
  const fd = openSync(outcomePath(directory), constants.O_RDONLY | constants.O_NONBLOCK);
  const chunks: Uint8Array[] = [];
  try {
    giveSign();
    for await (const chunk of Bun.file(fd).stream()) chunks.push(chunk);
  } finally {
    closeSync(fd);
  }
  const said = Buffer.concat(chunks);
  if (said.length < 8) return;
  throw failureOf(JSON.parse(readFileSync(latePath(directory), 'utf8')) as Late, said);
}

/** Source of the form: `birth/outcome.ts`. */
function failureOf({ args, steps, hooks }: Late, said: Buffer): ClocheError {
  for (const [i, hook] of hooks.entries()) {
    const failed =
      said.length < 16 + i * 8 ? undefined : hookError(hook, said.readUInt32LE(8 + i * 8));
    if (failed !== undefined) return failed;
  }
  const [index, number] = [said.readUInt32LE(0), said.readUInt32LE(4)];
  const {
    call = 'value',
    shown = 'init',
    why = '',
  } = steps.find((step) => step.index === index) ?? {};
  const errno = errnoName(number);
  const failed = new ClocheError(
    'STEP_FAILED',
    `${shown} failed: ${errno} (${errnoText(number)})`,
    {
      hint: hintFor(call, errno),
      details: { step: index, call, shown, why, errno },
    },
  );
  return programError(failed, args);
}
