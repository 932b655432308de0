import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { typedCommand, withCommand } from './command.ts';

let home = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'cloche-home-'));
  mkdirSync(join(home, 'bin'));
  mkdirSync(join(home, 'links'));
  writeFileSync(join(home, 'bin/cloche'), '');
  symlinkSync('../bin/cloche', join(home, 'links/cloche'));
});
afterAll(() => rmSync(home, { recursive: true }));

test('the command is named as it is typed from where the learner stands', () => {
  expect(typedCommand(home, home, '')).toBe('bin/cloche');
  expect(typedCommand(home, join(home, 'lessons/1_chroot'), '')).toBe('../../bin/cloche');
  expect(typedCommand(home, '/a/far/away/place/of/the/disk', '')).toBe(join(home, 'bin/cloche'));
});

test('where PATH leads to it, through a link too, its name is enough', () => {
  expect(typedCommand(home, home, `/nowhere:${join(home, 'bin')}`)).toBe('cloche');
  expect(typedCommand(home, home, join(home, 'links'))).toBe('cloche');
});

test('in a text the command is replaced where it is to be typed, and not where it is spoken of', () => {
  const text = 'cloche is it: `cloche learn 2`, and in the lesson\n\n  cloche ps';
  expect(withCommand(text, 'bin/cloche')).toBe(
    'cloche is it: `bin/cloche learn 2`, and in the lesson\n\n  ../../bin/cloche ps',
  );
  expect(withCommand(text, 'cloche')).toBe(text);
});
