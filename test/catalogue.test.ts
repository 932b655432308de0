import { expect, test } from 'bun:test';
import { LESSONS } from '../lessons/index.ts';
import { chosen, listing } from '../src/playground/catalogue.ts';
import { paint } from '../src/playground/paint.ts';

const ids = (...names: string[]) => chosen(names, LESSONS).map(({ id }) => id);

test('a lesson is named by its id, its number or the rest of its id', () => {
  expect(ids('3', 'chroot', '2_chroot_problems')).toEqual([
    '1_chroot',
    '2_chroot_problems',
    '3_namespaces',
  ]);
  expect(ids()).toHaveLength(LESSONS.length);
});

test('a slip of the pen is answered with the lesson that was meant', () => {
  const hintFor = (name: string) => {
    try {
      return chosen([name], LESSONS);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
  };
  expect(hintFor('chrot')).toBe('did you mean 1_chroot?');
  expect(hintFor('2_chroot_problem')).toBe('did you mean 2_chroot_problems?');
  expect(hintFor('cgroup')).toBe('did you mean 4_cgroups?');
  expect(hintFor('whatever')).toStartWith('the lessons are 1_chroot, ');
});

test('the list fits into a narrow terminal and ends with what to type', () => {
  const list = [
    { id: '1_chroot', title: '', summary: 'what one knows '.repeat(9), steps: 7, done: 2 },
    { id: '2_more', title: '', summary: 'more', steps: 8, done: 0 },
  ].map((one) => ({ ...one, completed: undefined }));
  const lines = listing(list, paint(false), { width: 60, command: 'bin/cloche' }).split('\n');
  expect(Math.max(...lines.map((line) => Bun.stringWidth(line)))).toBeLessThanOrEqual(60);
  expect(lines[0]).toStartWith('◐ 1_chroot  2/7   what one knows');
  expect(lines[1]).toMatch(/^ {18}\S/);
  expect(lines.join('\n')).toContain('\n\nbin/cloche learn 1_chroot ');
});
