import { afterAll, beforeAll, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { $ } from 'bun';
import { lesson as chroot } from '../lessons/1_chroot/lesson.ts';
import { lesson as chrootProblems } from '../lessons/2_chroot_problems/lesson.ts';
import { openEngine } from '../src/engine/index.ts';
import { type PlayedStep, playLesson } from '../src/playground/auto.ts';
import {
  a,
  b,
  done,
  type LessonStep,
  type Look,
  type PlaygroundLesson,
} from '../src/playground/lesson.ts';
import { Progress } from '../src/playground/progress.ts';
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

function stepOf({ steps }: PlaygroundLesson, id: string): LessonStep<Look> {
  const step = steps.find((one) => one.id === id);
  if (step === undefined) throw new Error(`no step '${id}'`);
  return step;
}

/** Plays a lesson in other words. @returns the steps that do not hold */
async function failures(
  lesson: PlaygroundLesson,
  steps: readonly LessonStep<Look>[],
): Promise<PlayedStep[]> {
  const played = await playLesson(
    { ...lesson, steps },
    {
      world: worldOf(openEngine()),
      audience: SILENT,
      progress: new Progress(),
      lessons: `${repository}/lessons`,
      env: { ...process.env, XDG_CACHE_HOME: `${repository}/.cache` },
      signal: new AbortController().signal,
    },
  );
  return played.steps.filter(({ ok }) => !ok);
}

test("lesson 1 is done the README's way, by hand and with jail.sh at the end", async () => {
  const steps = chroot.steps.map((step) =>
    step.id === 'tools' ? { ...step, solution: [a('exit'), a('./jail.sh')] } : step,
  );
  expect(await failures(chroot, steps)).toEqual([]);
}, 400_000);

test('jail.sh alone makes all that lesson 1 makes by hand, and says which program is not there', async () => {
  const skipped = ['bash', 'libraries', 'tools'].map((id) => stepOf(chroot, id));
  const atOnce: LessonStep<Look> = {
    ...stepOf(chroot, 'tools'),
    solution: [
      a('./jail.sh nosuch', { see: /no program called 'nosuch'/ }),
      a('./jail.sh', { see: /now: chroot \/jail bash/ }),
    ],
    check: async (look) => {
      const verdicts = await Promise.all(skipped.map(({ check }) => check(look)));
      return verdicts.find(({ ok }) => !ok) ?? done('bash, libraries and tools hold');
    },
  };
  const steps = [stepOf(chroot, 'playground'), atOnce, stepOf(chroot, 'cat')];
  expect(await failures(chroot, steps)).toEqual([]);
}, 400_000);

test('a debootstrap that fails or is interrupted leaves no half root, and what was kept stays', async () => {
  const again = 'umount /root_a/proc; rm -rf /root_a';
  const rootA: LessonStep<Look> = {
    ...stepOf(chrootProblems, 'root_a'),
    solution: [
      a('./chroot_a.sh', { within: 400, see: /from http|unpacking/ }),
      a('exit'),
      a(`${again}; FRESH=1 http_proxy=http://127.0.0.1:1 ./chroot_a.sh`, { see: /has failed/ }),
      a('ls /', { see: /root_a\.part/ }),
      a('FRESH=1 ./chroot_a.sh', { stays: true, see: /Retrieving/ }),
      a('', { control: 'c' }),
      a('./chroot_a.sh', { within: 60, see: /unpacking the bookworm[\s\S]*now in root_a/ }),
    ],
  };
  const steps = [stepOf(chrootProblems, 'playground'), rootA];
  expect(await failures(chrootProblems, steps)).toEqual([]);
}, 400_000);

test("the playground's scripts do nothing on the host but say where they belong", async () => {
  const scripts = [...new Bun.Glob('lessons/*/*.sh').scanSync(repository)].filter(
    (path) => /lessons\/[1-4]_/.test(path) && !/(run|attach|cgroup|namespaces)\.sh$/.test(path),
  );
  expect(scripts.length).toBeGreaterThan(15);
  for (const path of scripts) {
    const { stderr, exitCode } = Bun.spawnSync([`${repository}/${path}`], { cwd: '/' });
    expect([path, exitCode, stderr.toString()]).toEqual([
      path,
      1,
      expect.stringMatching(/^this belongs into (the playground|root_[ab]): /),
    ]);
  }
});

test('a player does not end the playground in which a learner is at work, unless it is told to', async () => {
  const cloche = `${repository}/bin/cloche`;
  const image = ['debian:bookworm', 'sleep', '100'];
  await $`${cloche} run -d --rm --name lesson_1_chroot ${image}`.quiet();
  const refused = await $`${cloche} learn --auto 1`.nothrow().quiet();
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr.toString()).toMatch(/"lesson_1_chroot" is running.*\n.*--auto --reset/);
  expect(await $`${cloche} ps --format {{.Names}}`.text()).toBe('lesson_1_chroot\n');
  const played = await $`${cloche} learn --auto --reset 1`.nothrow().quiet();
  expect(played.stdout.toString()).toContain('1_chroot holds');
}, 400_000);

test('run.sh of a running playground leads to attach.sh, and attach.sh before it to run.sh', async () => {
  const steps: LessonStep<Look>[] = [
    {
      ...stepOf(chroot, 'playground'),
      solution: [
        b('./attach.sh', { see: /not running; \.\/run\.sh/ }),
        a('./run.sh', { within: 400 }),
        b('./run.sh', { see: /running already; \.\/attach\.sh/ }),
        b('./attach.sh', { see: /^$/ }),
      ],
    },
  ];
  expect(await failures(chroot, steps)).toEqual([]);
}, 400_000);
