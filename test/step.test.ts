import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/** `run --step` in a terminal of its own, one Enter at a time. */
const cloche = resolve(import.meta.dir, '../bin/cloche');
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

function stepped() {
  let seen = '';
  const child = Bun.spawn(
    [cloche, 'run', '--rm', '--step', '--network', 'none', 'debian:bookworm', 'echo', 'born'],
    {
      env: { ...process.env, CLOCHE_ROOT: root, NO_COLOR: '1' },
      terminal: {
        cols: 200,
        rows: 50,
        data: (_, bytes) => {
          seen += new TextDecoder().decode(bytes);
        },
      },
    },
  );
  /** Types the line whenever another call is shown, until `text` is on the screen. */
  const typeUntil = async (text: string) => {
    for (let i = 0, shown = ''; i < 3000 && !seen.includes(text); i++) {
      const last = seen.match(/^\d+ (shim|init) .*$/gm)?.at(-1) ?? '';
      if (last !== shown) child.terminal?.write('\n');
      shown = last;
      await Bun.sleep(5);
    }
    expect(seen.includes(text)).toBe(true);
  };
  return { child, typeUntil, screen: () => seen };
}

test('pivot_root is shown before it is performed, and afterwards the mounts that it changed', async () => {
  const { child, typeUntil, screen } = stepped();
  await typeUntil('pivot_root(".", ".")');
  expect(screen()).not.toContain('+ mount / (');
  await typeUntil('umount2(".", MNT_DETACH)');
  expect(screen()).toMatch(/pivot_root[^#]*\+ mount \/ \(\d+\): overlay rw/);
  child.terminal?.write('c\n');
  expect(await child.exited).toBe(0);
  expect(screen()).toContain('born');
}, 60_000);

test('q in the middle leaves no cgroup and no record', async () => {
  const { child, typeUntil, screen } = stepped();
  await typeUntil('chdir("/")');
  const cgroup = screen().match(/"(\/[^"]*\/cloche\/[0-9a-f]{64})"/)?.[1] ?? '';
  expect(existsSync(cgroup)).toBe(true);
  child.terminal?.write('q\n');
  expect(await child.exited).not.toBe(0);
  const name = cgroup.slice(cgroup.lastIndexOf('/'));
  const left = detectCgroups().all.map((tree) => `${tree.mountPoint}/cloche${name}`);
  expect(left.filter((path) => existsSync(path))).toEqual([]);
  const list = Bun.spawnSync([cloche, 'ps', '--all', '--quiet'], {
    env: { ...process.env, CLOCHE_ROOT: root },
  });
  expect(list.stdout.toString()).toBe('');
}, 60_000);
