import { type Container, type Engine, planContainer, type StartOptions } from '../engine/index.ts';
import { type ExplainedStep, explain } from '../linux/plan/index.ts';
import { painted } from './output.ts';

/** `run --explain`: the plan of a container as an strace-like listing with the reason of each line. */
export async function printPlan(
  engine: Engine,
  container: Container,
  about: StartOptions & { readonly json: boolean },
): Promise<number> {
  const steps = explain((await planContainer(engine, container, about)).plan);
  if (about.json) process.stdout.write(`${JSON.stringify(steps, null, 2)}\n`);
  else {
    const width = String(steps.length).length;
    let before: ExplainedStep | undefined;
    for (const step of steps) {
      process.stdout.write(lines(step, before, width));
      before = step;
    }
  }
  return 0;
}

/** One step: its number, who does it, the call, what may follow; and the reason on a line of its own. */
function lines(step: ExplainedStep, before: ExplainedStep | undefined, width: number): string {
  const { stdout } = process;
  const indent = ' '.repeat(width + 1);
  const stage =
    step.stage === before?.stage ? '' : `${painted(stdout, 1, `── ${step.stage ?? ''} ──`)}\n`;
  const call = shorten(step.call, 200);
  const then = step.then.length === 0 ? '' : painted(stdout, 2, `   [${step.then.join('; ')}]`);
  const number = painted(stdout, 2, String(step.index).padStart(width));
  const why = step.why === before?.why ? '' : `${indent}${painted(stdout, 32, `# ${step.why}`)}\n`;
  return `${stage}${why}${number} ${call}${then}\n`;
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
