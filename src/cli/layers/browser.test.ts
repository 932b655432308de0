import { expect, test } from 'bun:test';
import type { DiffId } from '../../image/index.ts';
import type { Analysis, Change } from '../../image/layers/index.ts';
import { beginning, type Key, type Place, pressed, screen } from './browser.ts';

const change = (path: string, size: number, isDirectory = false): Change => ({
  path,
  kind: 'added',
  isDirectory,
  size,
});
const instruction = (createdBy: string, changes: readonly Change[], diffId?: string) => ({
  createdBy,
  changes,
  diffId: diffId as DiffId | undefined,
  ...{ added: 1, changed: 0, deleted: 0, size: 3, wasted: 0 },
});
const ANALYSIS: Analysis = {
  instructions: [
    instruction('FROM', [change('a', 0, true), change('a/b', 1), change('c', 2)], 'sha256:1'),
    instruction('ENV', []),
    instruction('COPY', [], 'sha256:2'),
  ],
  size: 3,
  wasted: 0,
  efficiency: 1,
  wastedFiles: [],
};

const start = beginning('app', ANALYSIS);
const after = (...keys: Key[]) =>
  keys.reduce<Place | undefined>((place, key) => place && pressed(place, key, 2), start);
/** The chosen line, without colours. */
const chosen = (place: Place | undefined) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the mark of the chosen line
  place && /\x1b\[7m> (.*?)\x1b/.exec(screen(place, 24, 80).join('\n'))?.[1];

test('layers are listed, without instructions that made none; the ends hold', () => {
  expect(chosen(start)).toBe('1      3B  FROM');
  expect(chosen(after('down'))).toBe('2      3B  COPY');
  expect(chosen(after('down', 'down', 'page-down'))).toBe('2      3B  COPY');
  expect(chosen(after('end', 'home', 'up'))).toBe('1      3B  FROM');
});

test('in leads into layers and directories but not into files, out leads back to the line', () => {
  expect(chosen(after('in'))).toBe('+ c  2B');
  expect(chosen(after('in', 'in'))).toBe('+ c  2B');
  expect(chosen(after('in', 'down', 'in'))).toBe('+ b  1B');
  expect(chosen(after('in', 'down', 'in', 'out'))).toBe('+ a/  1B  1 file');
  expect(after('out')).toBe(start);
  expect(after('in', 'quit')).toBeUndefined();
});

test('a layer that did nothing is an empty list', () => {
  const place = after('down', 'in');
  expect(place && screen(place, 24, 80).join('\n')).toContain('(nothing)');
  expect(chosen(after('down', 'in', 'down', 'in', 'out'))).toBe('2      3B  COPY');
});

test('the screen is never larger than the terminal, and has the chosen line', () => {
  const many = Array.from({ length: 100 }, (_, i) => change(`f${String(i).padStart(3, '0')}`, 1));
  let place = beginning('app', { ...ANALYSIS, instructions: [instruction('x', many, 'sha256:1')] });
  for (const key of ['in', ...Array(60).fill('down')] as Key[])
    place = pressed(place, key, 3) ?? place;
  const lines = screen(place, 10, 12);
  expect(lines).toHaveLength(10);
  expect(chosen(place)).toBe('+ f060  1B');
  for (const line of lines) expect(Bun.stripANSI(line).length).toBeLessThanOrEqual(12);
});
