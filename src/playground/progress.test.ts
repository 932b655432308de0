import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { a, done, type Memory, notYet, type WorkshopLesson } from './lesson.ts';
import { Progress } from './progress.ts';
import { resetLesson } from './reset.ts';
import { stillDone } from './watch.ts';
import type { World } from './world.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloche-progress-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A workshop lesson of which these steps hold now. */
function lessonOf(holding: readonly string[]): WorkshopLesson {
  const step = (id: string) => ({
    ...{ id, title: id, prose: id, hint: id, explanation: id, solution: [a('true')] },
    check: () => (holding.includes(id) ? done(id) : notYet(id)),
  });
  return {
    ...{ id: '9_test', title: 'A test', summary: 'what it is', intro: 'Welcome.' },
    makes: { images: [], files: [] },
    steps: [step('build'), step('run'), step('build again')],
  };
}

const WORLD = { workshop: {}, containers: {}, discard: () => 0 } as unknown as World;
const MEMORY: Memory = new Map();

test('steps whose images are gone do not count as done any more', async () => {
  const recorded = ['build', 'run'];
  expect(await stillDone(lessonOf([]), recorded, MEMORY, WORLD)).toEqual([]);
});

test('a web server that was ended before the next step is no reason to do all again', async () => {
  const recorded = ['build', 'run', 'build again'];
  const lesson = lessonOf(['build', 'build again']);
  expect(await stillDone(lesson, recorded, MEMORY, WORLD)).toEqual(recorded);
});

test('a reset makes the steps undone; that they were done once stays known', async () => {
  const progress = new Progress(join(folder, 'learn.json'));
  const completed = '2026-01-01T00:00:00.000Z';
  progress.keep('9_test', { run: 'workshop', done: ['build'], memory: { a: 1 }, completed });
  await resetLesson(lessonOf([]), { world: WORLD, lessons: folder, progress });
  expect(progress.of('9_test')).toEqual({ done: [], memory: {}, completed });
});
