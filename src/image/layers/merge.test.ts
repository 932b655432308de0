import { afterEach, beforeEach, expect, test } from 'bun:test';
import { chmodSync, linkSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Files, writeFiles } from '../testing.ts';
import { type Change, MergedTree } from './merge.ts';
import { nest } from './nest.ts';

let folder = '';
let count = 0;
let tree: MergedTree;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cloche-layers-'));
  tree = new MergedTree();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a layer of these files on top; `gone` are whiteouts. @returns `+path size` for each change */
function layer(
  files: Files,
  about: { gone?: string[]; opaque?: string[]; also?: (directory: string) => void } = {},
) {
  const directory = join(folder, String(count++));
  writeFiles(directory, files);
  for (const path of about.gone ?? [])
    Bun.spawnSync(['mknod', join(directory, path), 'c', '0', '0']);
  about.also?.(directory);
  return tree.apply({ directory, opaque: about.opaque ?? [] }).map(spelled);
}

function spelled({ path, kind, isDirectory, size }: Change): string {
  const sign = { added: '+', changed: '~', deleted: '-' }[kind];
  return `${sign}${path}${isDirectory ? '/' : ''} ${size}`;
}

const lost = () => tree.lost.map(({ path, content }) => [path, content.size, content.layer]);

test('what is new is added, what was there is changed, and its old bytes are lost', () => {
  expect(layer({ 'a/b': '1', 'a/c': '22' })).toEqual(['+a/ 0', '+a/b 1', '+a/c 2']);
  expect(layer({ 'a/b': '333', d: '4444' })).toEqual(['~a/b 3', '+d 4']);
  expect(lost()).toEqual([['a/b', 1, 0]]);
});

test('a whiteout deletes a file, or a directory with all that is in it', () => {
  layer({ 'a/b': '1', 'a/c/d': '22', e: '333' });
  expect(layer({ 'x/': '' }, { gone: ['a', 'e', 'never'] })).toEqual([
    '-a/ 0',
    '-a/b 1',
    '-a/c/ 0',
    '-a/c/d 2',
    '-e 3',
    '+x/ 0',
  ]);
  expect(lost()).toEqual([
    ['a/b', 1, 0],
    ['a/c/d', 2, 0],
    ['e', 3, 0],
  ]);
  expect([...tree.root.keys()]).toEqual(['x']);
});

test('an opaque directory hides what was in it; what comes again is changed', () => {
  layer({ 'a/b': '1', 'a/c': '22' });
  expect(layer({ 'a/c': '333', 'a/d': '4444' }, { opaque: ['a'] })).toEqual([
    '-a/b 1',
    '~a/c 3',
    '+a/d 4',
  ]);
});

test('a file in the place of a directory takes all below it away, and the other way round', () => {
  layer({ 'a/b': '1', c: '22' });
  expect(layer({ a: '333', 'c/d': '4444' })).toEqual(['~a 3', '-a/b 1', '~c/ 0', '+c/d 4']);
  expect(lost()).toEqual([
    ['a/b', 1, 0],
    ['c', 2, 0],
  ]);
});

test('a directory that was only copied up is no change, one with another mode is', () => {
  layer({ 'a/b': '1', 'c/d': '1' });
  const also = (directory: string) => chmodSync(join(directory, 'c'), 0o700);
  expect(layer({ 'a/': '', 'c/': '' }, { also })).toEqual(['~c/ 0']);
});

test('bytes with two names count once, and are lost with the second name', () => {
  const also = (directory: string) => linkSync(join(directory, 'a'), join(directory, 'b'));
  expect(layer({ a: '1234' }, { also })).toEqual(['+a 4', '+b 0']);
  layer({ 'x/': '' }, { gone: ['a'] });
  expect(lost()).toEqual([]);
  layer({ 'y/': '' }, { gone: ['b'] });
  expect(lost()).toEqual([['b', 4, 0]]);
});

test('the tree of changes has the largest first and sums of what is below', () => {
  const directory = join(folder, 'one');
  writeFiles(directory, { 'a/small': '1', 'a/b/large': '55555', z: '22' });
  const { children, size, files } = nest(tree.apply({ directory, opaque: [] }));
  expect([size, files]).toEqual([8, 3]);
  expect(children.map((child) => [child.name, child.size, child.files])).toEqual([
    ['a', 6, 2],
    ['z', 2, 1],
  ]);
  expect(children[0]?.children.map(({ name }) => name)).toEqual(['b', 'small']);
});
