import { afterAll, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from './remove-tree.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cloche-remove-'));
const tree = join(scratch, 'tree');

beforeEach(() => mkdirSync(tree));
afterAll(() => rmSync(scratch, { recursive: true }));

/** Puts so many levels below the tree, the lowest first: a path of them would be too long. */
function deepen(levels: number): void {
  const [now, next] = ['now', 'next'].map((name) => join(scratch, name)) as [string, string];
  mkdirSync(now);
  for (let i = 0; i < levels; i++) {
    mkdirSync(next);
    writeFileSync(join(next, 'f'), '');
    renameSync(now, join(next, 'd'));
    renameSync(next, now);
  }
  renameSync(now, join(tree, 'd'));
}

test('four thousand levels take a moment', () => {
  deepen(4000);
  removeTree(tree);
  expect(readdirSync(scratch)).toEqual([]);
});

test('names as long as can be, one in another, and names that are no UTF-8', () => {
  const long = 'n'.repeat(255);
  mkdirSync(join(tree, ...Array.from({ length: 14 }, () => long)), { recursive: true });
  const odd = Buffer.concat([Buffer.from(`${tree}/gr`), Buffer.from([0xf6, 0xdf, 0x65])]);
  mkdirSync(odd);
  writeFileSync(Buffer.concat([odd, Buffer.from('/\xff', 'latin1')]), '');
  removeTree(tree);
  expect(readdirSync(scratch)).toEqual([]);
});

test('links go, and what they lead to stays', () => {
  const kept = join(scratch, 'kept');
  mkdirSync(kept);
  writeFileSync(join(kept, 'file'), 'content');
  symlinkSync(kept, join(tree, 'link'));
  removeTree(tree);
  expect(readdirSync(scratch)).toEqual(['kept']);
  symlinkSync(kept, tree);
  removeTree(tree);
  expect(readFileSync(join(kept, 'file'), 'utf8')).toBe('content');
  rmSync(kept, { recursive: true });
});

test('a file is removed too, and what is not there is fine', () => {
  const file = join(tree, 'file');
  writeFileSync(file, '');
  removeTree(file);
  expect(existsSync(file)).toBe(false);
  removeTree(file);
  removeTree(join(file, 'nothing'));
  removeTree(tree);
});
