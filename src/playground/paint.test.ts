import { expect, test } from 'bun:test';
import { filled, paint, prose, textWidth } from './paint.ts';

const [plain, coloured] = [paint(false), paint(true)];

test('no line of prose is wider than the terminal, and none wider than can be read', () => {
  const text = 'Some words that go on and on. '.repeat(20);
  for (const columns of [60, 80, 100, 200]) {
    const widths = prose(text, plain, textWidth(columns))
      .split('\n')
      .map((line) => Bun.stringWidth(line));
    expect(Math.max(...widths)).toBeLessThanOrEqual(Math.min(columns, 96));
    expect(Math.max(...widths)).toBeGreaterThan(Math.min(columns, 96) - 8);
  }
});

test('code is not broken over two lines, for it is to be typed', () => {
  const text = 'Look at what is mounted in there: `grep cgroup /proc/mounts` shows nothing at all.';
  for (let width = 35; width < 80; width++)
    expect(prose(text, plain, width)).toContain('`grep cgroup /proc/mounts`');
});

test('colours take no room on the line', () => {
  const text = 'word `code` word *emphasis* word '.repeat(6);
  const lines = (brush: typeof plain) => Bun.stripANSI(prose(text, brush, 60)).split('\n');
  expect(lines(coloured).map((line) => Bun.stringWidth(line))).toEqual([60, 60, 60]);
});

test('emphasis is painted, the asterisk of a command is none', () => {
  expect(prose('the *loader* of `echo /*` and `ls *`', coloured)).toBe(
    '   the \u001b[3mloader\u001b[0m of \u001b[33mecho /*\u001b[0m and \u001b[33mls *\u001b[0m',
  );
});

test('a listing stays as it is', () => {
  expect(prose('Type\n\n  echo *  `x`\n\nand so on', coloured, 20)).toBe(
    '   Type\n\n     echo *  `x`\n\n   and so on',
  );
});

test('what does not fit stands below what it belongs to', () => {
  expect(filled('one two three', 12, ' ✓ ')).toBe(' ✓ one two\n   three');
});
