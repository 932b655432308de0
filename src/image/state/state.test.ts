import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClocheError } from '../../error.ts';
import { openStore, type Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { migrate, openDatabase } from './database.ts';
import { isDead, type Owner, ownOwner } from './owner.ts';
import { isAnybodyWorking, whileWorking } from './work.ts';

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});

afterEach(() => remove());

/** Another process that does `script` with `store`, and prints. */
const elsewhere = (script: string) =>
  Bun.spawn(
    [
      process.execPath,
      '-e',
      `
    const image = await import(${JSON.stringify(join(import.meta.dir, '../index.ts'))});
    const store = image.openStore(${JSON.stringify(store.root)});
    ${script}`,
    ],
    { stdout: 'pipe', stderr: 'inherit' },
  );

test('an owner is this process; it is dead when its process is, or its boot was another', async () => {
  expect(isDead(ownOwner())).toBe(false);
  const other = elsewhere('console.log(image.ownOwner()); await Bun.sleep(60000)');
  const reader = other.stdout.getReader();
  const owner = Buffer.from((await reader.read()).value ?? [])
    .toString()
    .trim() as Owner;
  expect(isDead(owner)).toBe(false);
  other.kill('SIGKILL');
  await other.exited;
  expect(isDead(owner)).toBe(true);
  const [, ...rest] = ownOwner().split(':');
  expect(isDead(['another boot', ...rest].join(':') as Owner)).toBe(true);
});

test('a pid that was reused does not keep a dead owner alive', () => {
  const [boot, namespace, pid, start] = ownOwner().split(':');
  expect(isDead([boot, namespace, pid, Number(start) - 1].join(':') as Owner)).toBe(true);
});

test('an owner in another pid namespace counts as alive', () => {
  const [boot, , pid] = ownOwner().split(':');
  expect(isDead([boot, '1', pid, '1'].join(':') as Owner)).toBe(false);
});

test('a database of a newer version is refused', () => {
  migrate(store.db, 'room', ['CREATE TABLE a (x)', 'CREATE TABLE b (x)']);
  const open = () => migrate(openDatabase(store.root), 'room', ['CREATE TABLE a (x)']);
  expect(open).toThrow("the state of 'room' was written by a newer cloche");
});

test('what lies where the database should be is a clear error', () => {
  const open = () => openDatabase(join(store.root, 'no/such/directory'));
  expect(catching(open)).toMatchObject({ code: 'STATE_UNREADABLE' });
});

test('eight processes that open a new store and write names at once lose none', async () => {
  const script = (n: number) => `
    for (let i = 0; i < 10; i++)
      await image.whileWorking(store.db, 'one', async () => image.writeImage(store, {
        architecture: 'amd64', os: 'linux', config: { Labels: { n: '${n}.' + i } },
        rootfs: { type: 'layers', diff_ids: [] }, history: [],
      }, [image.parseReference('p${n}:' + i)]));`;
  const processes = Array.from({ length: 8 }, (_, n) => elsewhere(script(n)));
  expect(await Promise.all(processes.map((one) => one.exited))).toEqual(Array(8).fill(0));
  const index = JSON.parse(readFileSync(join(store.root, 'index.json'), 'utf8'));
  expect(index.manifests).toHaveLength(80);
  const { tags } =
    store.db.query<{ tags: number }, []>('SELECT count(*) AS tags FROM tags').get() ?? {};
  expect(tags).toBe(80);
}, 30_000);

test('two that work under one name do it one after the other, also across processes', async () => {
  const script = `
    for (let i = 0; i < 20; i++)
      await image.whileWorking(store.db, 'count', async () => {
        const file = store.root + '/count';
        const before = Number(await Bun.file(file).text());
        await Bun.sleep(1);
        await Bun.write(file, String(before + 1));
      });`;
  await Bun.write(join(store.root, 'count'), '0');
  const processes = [elsewhere(script), elsewhere(script)];
  await Promise.all(processes.map((one) => one.exited));
  expect(readFileSync(join(store.root, 'count'), 'utf8')).toBe('40');
}, 30_000);

test('who was killed while working does not block the next one', async () => {
  const other = elsewhere(
    `await image.whileWorking(store.db, 'w', () => { console.log('in'); return Bun.sleep(60000); })`,
  );
  await other.stdout.getReader().read();
  expect(isAnybodyWorking(store.db)).toBe(true);
  let waited = false;
  const done = whileWorking(store.db, 'w', async () => 'mine', {
    onWait: () => {
      waited = true;
    },
  });
  other.kill('SIGKILL');
  expect(await done).toBe('mine');
  expect(waited).toBe(true);
  expect(isAnybodyWorking(openStore(store.root).db)).toBe(false);
});

test('who waits for work can give up', async () => {
  const stop = new AbortController();
  const first = whileWorking(store.db, 'w', () => Bun.sleep(300));
  const second = whileWorking(store.db, 'w', async () => 'never', {
    onWait: () => stop.abort(),
    signal: stop.signal,
  });
  await expect(second).rejects.toThrow();
  await first;
});

function catching(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error as ClocheError;
  }
}
