import { afterAll, beforeAll, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { lesson as chroot } from '../lessons/1_chroot/lesson.ts';
import { openEngine } from '../src/engine/index.ts';
import { type PlayedLesson, playLesson } from '../src/playground/auto.ts';
import { a, done, type Look, type LessonStep } from '../src/playground/lesson.ts';
import { SILENT } from '../src/playground/transcript.ts';
import { worldOf } from '../src/playground/world.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/** The ways through a lesson that its prose offers beside the solutions: each must lead to the end. */
const repository = resolve(import.meta.dir, '..');
let remove = () => {};

beforeAll(async () => {
  ({ remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

function stepOf(id: string): LessonStep<Look> {
  const step = chroot.steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step '${id}'`);
  return step;
}

/** Lesson 1 in other words: these steps. */
function play(steps: readonly LessonStep<Look>[]): Promise<PlayedLesson> {
  return playLesson(
    { ...chroot, steps },
    {
      world: worldOf(openEngine()),
      audience: SILENT,
      lessons: `${repository}/lessons`,
      env: process.env,
      signal: new AbortController().signal,
    },
  );
}

test("lesson 1 is done the README's way, by hand and with jail.sh at the end", async () => {
  const steps = chroot.steps.map((step) =>
    step.id === 'tools' ? { ...step, solution: [a('exit'), a('./jail.sh')] } : step,
  );
  const played = await play(steps);
  expect(played.steps.filter(({ ok }) => !ok)).toEqual([]);
}, 400_000);

test('jail.sh alone makes all that lesson 1 makes by hand, and says which program is not there', async () => {
  const skipped = ['bash', 'libraries', 'tools'].map(stepOf);
  const atOnce: LessonStep<Look> = {
    ...stepOf('tools'),
    solution: [
      a('./jail.sh nosuch', { see: /no program called 'nosuch'/ }),
      a('./jail.sh', { see: /now: chroot \/jail bash/ }),
    ],
    check: async (look) => {
      const verdicts = await Promise.all(skipped.map(({ check }) => check(look)));
      return verdicts.find(({ ok }) => !ok) ?? done('bash, libraries and tools hold');
    },
  };
  const played = await play([stepOf('playground'), atOnce, stepOf('cat')]);
  expect(played.steps.filter(({ ok }) => !ok)).toEqual([]);
}, 400_000);
