import type { Lesson, LessonStep, Memory, Verdict } from './lesson.ts';
import { notYet } from './lesson.ts';
import { type Containers, lookAt } from './observe/playground.ts';

/** Asks the kernel about one step, now. A lesson whose container does not run gets that for an answer. */
export async function checkStep(
  lesson: Lesson,
  step: LessonStep,
  memory: Memory,
  containers: Containers,
): Promise<Verdict> {
  const playground = await lookAt(lesson.container, containers);
  if (playground === undefined) {
    return notYet(`no container "${lesson.container}" is running: ./run.sh starts it`);
  }
  return step.check({ playground, memory });
}

/** Which run of the lesson's container this is; another run starts the lesson's steps again. */
export async function playgroundRun(
  lesson: Lesson,
  containers: Containers,
): Promise<string | undefined> {
  const init = (await lookAt(lesson.container, containers))?.init;
  return init === undefined ? undefined : `${init.pid}@${init.startTime}`;
}

/**
 * Asks again and again, every `interval` milliseconds, until the step is done or `milliseconds` are
 * over; the last answer. A cancelled `signal` ends it early.
 */
export async function waitForStep(
  ask: () => Promise<Verdict>,
  about: { milliseconds: number; interval?: number; signal?: AbortSignal },
): Promise<Verdict> {
  const end = performance.now() + about.milliseconds;
  for (;;) {
    const verdict = await ask();
    if (verdict.ok || performance.now() > end || about.signal?.aborted === true) return verdict;
    await Bun.sleep(about.interval ?? 250);
  }
}
