import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LESSONS } from '../lessons/index.ts';
import { listImages, openStore } from '../src/image/index.ts';
import type { PlayedLesson } from '../src/playground/auto.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/** Every lesson, played on this machine's kernel as `npm start` plays it where there is no terminal. */
const repository = resolve(import.meta.dir, '..');
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

test.each(LESSONS.map(({ id }) => id))(
  '%s holds from its first step to its last, and leaves nothing',
  async (id) => {
    const child = Bun.spawn([`${repository}/bin/cloche`, 'learn', '--auto', '--json', id], {
      // The packages that the lessons fetch are kept between runs, apart from the user's own.
      env: { ...process.env, CLOCHE_ROOT: root, XDG_CACHE_HOME: `${repository}/.cache` },
      stdout: 'pipe',
      stderr: 'inherit',
    });
    const [played] = (await new Response(child.stdout).json()) as PlayedLesson[];
    const failed = played?.steps.filter((step) => !step.ok);
    expect(failed).toEqual([]);
    expect(played?.ok).toBe(true);
    expect(await child.exited).toBe(0);
    expect(leftovers()).toEqual([]);
  },
  400_000,
);

/** Containers, mounts and images without a name that have to do with this root. */
function leftovers(): string[] {
  const containers = existsSync(`${root}/containers`) ? readdirSync(`${root}/containers`) : [];
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(root));
  const store = openStore(root);
  const nameless = listImages(store).filter(({ tags }) => tags.length === 0);
  store.db.close();
  return [...containers, ...mounts, ...nameless.map(({ id }) => id)];
}
