import { afterAll, beforeAll, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { LESSONS } from '../lessons/index.ts';
import { openEngine } from '../src/engine/index.ts';
import { type PlayedStep, playLesson } from '../src/playground/auto.ts';
import { a, b, type LessonStep, type Typed } from '../src/playground/lesson.ts';
import { Progress } from '../src/playground/progress.ts';
import { SILENT } from '../src/playground/transcript.ts';
import { worldOf } from '../src/playground/world.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/**
 * A check must say "not yet" to what is nearly right. Each lesson is played up to a step, whose
 * solution is replaced by something that a learner might have typed. (That every check fails before its
 * step is proved by the player itself: HELD_BEFORE.)
 */
const repository = resolve(import.meta.dir, '..');
let remove = () => {};

beforeAll(async () => {
  ({ remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

async function nearly(
  id: string,
  step: string,
  solution: readonly Typed[],
): Promise<PlayedStep | undefined> {
  const lesson = LESSONS.find((one) => one.id === id);
  const index = lesson?.steps.findIndex((one) => one.id === step) ?? -1;
  if (lesson === undefined || index < 0) throw new Error(`no step '${step}' in '${id}'`);
  const upTo = <L>(steps: readonly LessonStep<L>[]) =>
    steps
      .slice(0, index + 1)
      .map((one, i) => (i === index ? { ...one, solution, patience: 2 } : one));
  const played = await playLesson(
    'makes' in lesson
      ? { ...lesson, steps: upTo(lesson.steps) }
      : { ...lesson, steps: upTo(lesson.steps) },
    {
      world: worldOf(openEngine()),
      audience: SILENT,
      progress: new Progress(),
      lessons: `${repository}/lessons`,
      env: { ...process.env, XDG_CACHE_HOME: `${repository}/.cache` },
      signal: new AbortController().signal,
    },
  );
  const [last] = played.steps.slice(-1);
  expect(played.steps.slice(0, -1).every(({ ok }) => ok)).toBe(true);
  expect(last?.step).toBe(step);
  return last;
}

const copy = (programs: string, but: string) =>
  a(
    `for p in ${programs}; do for f in $p $(ldd $p | grep -o '/[^ ]*' | grep -v ${but}); do cp --parents $f /jail; done; done`,
  );

const MISSES: readonly [
  lesson: string,
  step: string,
  what: string,
  typed: readonly Typed[],
  says: RegExp,
][] = [
  [
    '1_chroot',
    'libraries',
    'all but the loader',
    [copy('/bin/bash', 'ld-linux')],
    /the loader of \/bin\/bash/,
  ],
  [
    '1_chroot',
    'libraries',
    'all but libc',
    [copy('/bin/bash', 'libc.so')],
    /libc\.so\.6 is nowhere/,
  ],
  [
    '1_chroot',
    'inside',
    'a shell beside the jail',
    [a('bash')],
    /no process has \/jail as its root/,
  ],
  [
    '1_chroot',
    'tools',
    'one library too many',
    [a('exit'), copy('/bin/ls /bin/cat /bin/tar', 'nothing')],
    /is needed by none of/,
  ],
  [
    '2_chroot_problems',
    'tail',
    'a tail of another file',
    [a('tail -f /etc/passwd', { stays: true })],
    /no tail in root_a has/,
  ],
  [
    '2_chroot_problems',
    'leak',
    'a file that only looks stolen',
    [b('echo the secret > /stolen.txt')],
    /is not what \/secret\.txt/,
  ],
  [
    '3_namespaces',
    'root_b',
    'only a mount namespace',
    [b('./attach.sh', { within: 30 }), b('./chroot_b.sh mount', { within: 400 })],
    /shares the uts namespace/,
  ],
  [
    '4_cgroups',
    'memory_limited',
    'the limit, but the program outside of it',
    [a('./limit_memory.sh'), a('./load_memory.sh')],
    /nobody was killed in "small"/,
  ],
  [
    '4_cgroups',
    'cpu_limited',
    'the limit, and nobody in the group',
    [a('./limit_cpu.sh')],
    /hardly ever throttled/,
  ],
  [
    '4_cgroups',
    'pids',
    'a limit on another group than the shell is in',
    [
      b('./attach.sh', { within: 30 }),
      b('. ./cgroup.sh; mkdir $(folder pids few); echo 20 > $(folder pids few)/pids.max'),
    ],
    /no bash of the playground has a pids\.max/,
  ],
];

test.each(MISSES)(
  '%s, step %s, is not done by %s',
  async (lesson, step, _, typed, says) => {
    const last = await nearly(lesson, step, typed);
    expect(last?.error).toBeUndefined();
    expect(last?.ok).toBe(false);
    expect(last?.after?.evidence.join('\n')).toMatch(says);
  },
  400_000,
);
