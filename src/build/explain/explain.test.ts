import { afterEach, beforeEach, expect, test } from 'bun:test';
import { writeFiles } from '../../image/testing.ts';
import { type BuildOptions, explainBuild } from '../build.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { explainedText } from './explain.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

const TEXT = 'FROM base\nARG V=1\nCOPY d /d\nRUN write b 1\nRUN write c 1';
const FILES = { 'd/a': '1', 'd/b': '1' };

/** Of each instruction what would be done and why. */
async function explained(
  dockerfile: string,
  files = {},
  options: Partial<BuildOptions> = {},
): Promise<string[]> {
  writeFiles(shop.context, { ...files, Dockerfile: dockerfile });
  const all = await explainBuild(shop.store, { ...shop, ...options });
  return all.map(({ would, why }) => (why === undefined ? would : `${would}: ${why}`));
}

test('a Dockerfile that was never built, and one that was', async () => {
  expect(await explained(TEXT, FILES)).toEqual([
    'nothing',
    ...Array(3).fill('run: never built here'),
  ]);
  expect(shop.ran).toEqual([]);
  await shop.build(TEXT, FILES);
  expect(await explained(TEXT)).toEqual(['nothing', ...Array(3).fill('use the cache')]);
  expect(shop.ran).toHaveLength(2);
});

test('changed files are named, and what stands on them has another base', async () => {
  await shop.build(TEXT, FILES);
  expect(await explained(TEXT, { 'd/a': '2', 'd/new': '' })).toEqual([
    'nothing',
    'run: file d/a changed; file d/new is new',
    'run: its base changed',
    'run: its base changed',
  ]);
});

test('a changed command, variable or directory is said, without its value', async () => {
  await shop.build(TEXT, FILES);
  const [, copy, b] = await explained(TEXT.replace('write b 1', 'write b 2'));
  expect([copy, b]).toEqual(['use the cache', 'run: the command changed']);
  const withArg = await explained(TEXT, {}, { buildArgs: { V: 'hush' } });
  expect(withArg[2]).toBe('run: variable V changed');
  const moved = await explained(TEXT.replace('COPY d /d', 'COPY d /e'));
  expect(moved[1]).toBe('run: the target changed');
});

test('what the user told not to take from the cache is said to be so; lines are for people', async () => {
  await shop.build(TEXT, FILES);
  const all = await explainBuild(shop.store, { ...shop, noCache: true });
  expect(explainedText(all.slice(0, 2))).toBe(`-       [1/4] FROM base
run     [2/4] COPY d /d
        the cache is not to be used
`);
});
