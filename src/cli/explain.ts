import { type Container, type Engine, planContainer, type StartOptions } from '../engine/index.ts';
import { explain } from '../linux/plan/explain.ts';
import type { ExplainedStep } from '../linux/plan/index.ts';
import { painted, print } from './print.ts';

/** `run --explain`: the plan of a container as an strace-like listing with the reason of each line. */
export async function printPlan(
  engine: Engine,
  container: Container,
  about: StartOptions & { readonly json: boolean },
): Promise<number> {
  const steps = explain((await planContainer(engine, container, about)).plan);
  if (about.json) print(`${JSON.stringify(steps, null, 2)}\n`);
  else {
    const width = String(steps.length).length;
    let before: ExplainedStep | undefined;
    for (const step of steps) {
      print(lines(step, before, width));
      before = step;
    }
  }
  return 0;
}

/** One step: its number, who does it, the call, what may follow; and the reason on a line of its own. */
function lines(step: ExplainedStep, before: ExplainedStep | undefined, width: number): string {
  const indent = ' '.repeat(width + 1);
  const stage =
    step.stage === before?.stage ? '' : `${painted(1, 1, `── ${step.stage ?? ''} ──`)}\n`;
  const call = shorten(step.call, 200);
  const then = step.then.length === 0 ? '' : painted(1, 2, `   [${step.then.join('; ')}]`);
  const number = painted(1, 2, String(step.index).padStart(width));
  const why = step.why === before?.why ? '' : `${indent}${painted(1, 32, `# ${step.why}`)}\n`;
  return `${stage}${why}${number} ${call}${then}\n`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
