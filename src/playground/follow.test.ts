import { afterEach, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLesson } from './follow.ts';
import { a, done, notYet, type PlaygroundLesson } from './lesson.ts';
import { paint } from './paint.ts';
import { Progress } from './progress.ts';
import type { World } from './world.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A learner at a terminal who presses keys; the lesson's container is this very process once it runs. */
function deskOf(about: { runs?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cloche-follow-'));
  folders.push(folder);
  const learner = { text: '', press: (_: string) => {}, runs: about.runs ?? true };
  const world = {
    containers: { find: async () => (learner.runs ? { pid: process.pid } : undefined) },
  } as unknown as World;
  const desk = {
    world,
    progress: new Progress(join(folder, 'learn.json')),
    paint: paint(false),
    out: (more: string) => {
      learner.text += more;
    },
    columns: () => 60,
    command: 'bin/cloche',
    keys: (press: (keys: string) => void) => {
      learner.press = press;
      return () => {};
    },
    interval: 5,
  };
  return { desk, learner };
}

/** `first` is done at once where the container runs, the others never. */
function lessonOf(first = notYet('not yet')): PlaygroundLesson {
  const step = (id: string, verdict = notYet('not yet')) => ({
    ...{
      id,
      title: `Title ${id}`,
      prose: `Prose of ${id}.`,
      hint: `Hint: \`cloche learn ${id}\`.`,
    },
    ...{ solution: [a('true')], explanation: `Explained ${id}.`, check: () => verdict },
  });
  const steps = [step('one', first), step('two'), step('three'), step('four'), step('five')];
  const about = { id: '9_test', title: 'A test', summary: 'what it is', intro: 'Welcome.' };
  return { ...about, container: 'lesson_9_test', steps };
}

const times = (text: string, part: string) => text.split(part).length - 1;

test('keys that come together are all heard, in upper case too', async () => {
  const { desk, learner } = deskOf();
  const ended = followLesson(lessonOf(), desk);
  await Bun.sleep(30);
  learner.press('nNnHs');
  await Bun.sleep(30);
  expect(learner.text).toContain('4/5 Title four');
  expect(learner.text).not.toContain('3/5 Title three');
  expect(learner.text).toContain('Hint: `bin/cloche learn four`.');
  expect(learner.text).toContain('first terminal: true');
  learner.press('\u001b[H');
  learner.press('q');
  expect(await ended).toBe('quit');
  expect(times(learner.text, 'Hint')).toBe(1);
});

test('when the learner leaves, nothing is left on the line where the shell writes its prompt', async () => {
  const { desk, learner } = deskOf();
  const ended = followLesson(lessonOf(), desk);
  await Bun.sleep(30);
  expect(learner.text).toEndWith('   … not yet');
  learner.press('\u0003');
  await ended;
  expect(learner.text).toEndWith('\r\u001b[J');
});

test('a step that is on the screen when the container starts is not shown again', async () => {
  const { desk, learner } = deskOf({ runs: false });
  const ended = followLesson(lessonOf(done('it runs')), desk);
  await Bun.sleep(30);
  learner.runs = true;
  await Bun.sleep(30);
  learner.press('q');
  await ended;
  expect(learner.text).toContain('Explained one.');
  expect(times(learner.text, 'Prose of one.')).toBe(1);
  expect(times(learner.text, 'Prose of two.')).toBe(1);
});
