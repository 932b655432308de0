import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Tree } from '../../image/tree.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { glance } from './glance.ts';
import { ignoring } from './ignore.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

/** Longer than a file must have been left alone, in milliseconds. */
const SETTLING = 2050;

/** Some time, in seconds. */
const TIME = 1_000_000_000;

const at = (...names: string[]) => join(shop.context, ...names);
const treeOf = (name: string, patterns: readonly string[] = []): Tree => ({
  layers: [{ directory: at(name), opaque: [] }],
  hides: ignoring(patterns),
});

/** Changes that must be seen; each in a directory of its own. */
const CHANGES: Record<string, (directory: string) => void> = {
  'other content of the same size and time': (directory) => {
    writeFileSync(join(directory, 'd/a'), 'two');
    utimesSync(join(directory, 'd/a'), TIME, TIME);
  },
  'a mode': (directory) => chmodSync(join(directory, 'd/a'), 0o600),
  'a new file': (directory) => writeFileSync(join(directory, 'd/new'), ''),
  'a file less': (directory) => rmSync(join(directory, 'd/a')),
  'another name': (directory) => renameSync(join(directory, 'd/a'), join(directory, 'd/z')),
  'another target': (directory) => {
    rmSync(join(directory, 'd/link'));
    symlinkSync('b', join(directory, 'd/link'));
  },
  'a source that leads elsewhere': (directory) => {
    rmSync(join(directory, 'source'));
    symlinkSync('e', join(directory, 'source'));
  },
};

function fill(name: string): void {
  for (const directory of ['d/hidden', 'e']) mkdirSync(at(name, directory), { recursive: true });
  for (const file of ['d/a', 'e/a', 'd/hidden/a']) writeFileSync(at(name, file), 'one');
  utimesSync(at(name, 'd/a'), TIME, TIME);
  symlinkSync('a', at(name, 'd/link'));
  symlinkSync('d', at(name, 'source'));
}

test('each change is seen, and nothing else is', async () => {
  const names = Object.keys(CHANGES);
  for (const name of [...names, 'same']) fill(name);
  await Bun.sleep(SETTLING);
  const look = (name: string) => glance(treeOf(name, ['d/hidden']), ['source', 'e']);
  const before = new Map([...names, 'same'].map((name) => [name, look(name)]));
  expect(new Set(before.values()).size).toBe(names.length + 1);
  expect([...before.values()]).not.toContain(undefined);
  for (const [name, change] of Object.entries(CHANGES)) change(at(name));
  writeFileSync(at('same', 'd/hidden/a'), 'not seen');
  await Bun.sleep(SETTLING);
  expect(look('same')).toBe(before.get('same'));
  const unseen = names.filter((name) => look(name) === before.get(name));
  expect(unseen).toEqual([]);
});

test('it proves nothing of what changed a moment ago, is not there, is hidden, or is a pattern', async () => {
  fill('x');
  expect(glance(treeOf('x'), ['d'])).toBeUndefined();
  await Bun.sleep(SETTLING);
  expect(glance(treeOf('x'), ['d'])).toBeDefined();
  expect(glance(treeOf('x'), ['d', 'nothing'])).toBeUndefined();
  expect(glance(treeOf('x', ['d']), ['d'])).toBeUndefined();
  expect(glance(treeOf('x'), ['d/*'])).toBeUndefined();
});

test('what a COPY takes of files that are as they were is not even listed', async () => {
  await shop.build('FROM base', { 'src/a': 'one' });
  await Bun.sleep(SETTLING);
  await shop.build('FROM scratch\nCOPY src /');
  const folder = join(shop.store.root, 'cache/digests');
  const [name = ''] = readdirSync(folder);
  const memory = readFileSync(join(folder, name), 'utf8');
  // Whoever listed them would have another digest.
  writeFileSync(join(folder, name), memory.replace(/[0-9a-f]{64}/g, '0'.repeat(64)));
  expect((await shop.build('FROM scratch\nCOPY src /')).steps.at(-1)).toEndWith('cached');
  expect((await shop.build('FROM scratch\nCOPY src* /')).steps.at(-1)).toEndWith('done');
  expect((await shop.build('FROM scratch\nCOPY src /', { 'src/a': 'two' })).file('a')).toBe('two');
});
