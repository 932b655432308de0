import type { Lesson, LessonStep, Memory, Verdict } from './lesson.ts';
import { notYet } from './lesson.ts';
import { lookAt } from './observe/playground.ts';
import type { World } from './world.ts';

/**
 * Asks about one step, now: the kernel, or for a workshop lesson also the image store. A playground
 * lesson whose container does not run gets that for an answer.
 */
export async function checkStep(
  lesson: Lesson,
  step: Pick<LessonStep, 'id'>,
  memory: Memory,
  world: World,
): Promise<Verdict> {
  if ('makes' in lesson) {
    const { workshop } = world;
    return stepOf(lesson.steps, step.id).check({ workshop, memory });
  }
  const playground = await lookAt(lesson.container, world.containers);
  if (playground === undefined)
    return notYet(`no container "${lesson.container}" is running: ./run.sh starts it`);
  return stepOf(lesson.steps, step.id).check({ playground, memory });
}

/**
 * Which run of the lesson's container this is; another run starts the lesson's steps again. What a
 * workshop lesson makes lasts, so all of its runs are one.
 */
export async function lessonRun(lesson: Lesson, world: World): Promise<string | undefined> {
  if ('makes' in lesson) return 'workshop';
  const init = (await lookAt(lesson.container, world.containers))?.init;
  return init === undefined ? undefined : `${init.pid}@${init.startTime}`;
}

/**
 * Which of the steps that are on record as done still count. What a workshop lesson makes may have been
 * taken away meanwhile: of its steps those count that hold now, with all before them, since some, such
 * as a web server that answers, are over when the next begins. A playground's are its container's.
 */
export async function stillDone(
  lesson: Lesson,
  recorded: readonly string[],
  memory: Memory,
  world: World,
): Promise<string[]> {
  if (!('makes' in lesson)) return [...recorded];
  let held = 0;
  for (const [at, id] of recorded.entries())
    if ((await checkStep(lesson, { id }, memory, world)).ok) held = at + 1;
  return recorded.slice(0, held);
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

function stepOf<L>(steps: readonly LessonStep<L>[], id: string): LessonStep<L> {
  const step = steps.find((one) => one.id === id);
  if (step === undefined) throw new RangeError(`the lesson has no step "${id}"`);
  return step;
}
