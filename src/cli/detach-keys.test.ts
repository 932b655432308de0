import { expect, test } from 'bun:test';
import { KeyWatch, parseKeys } from './detach-keys.ts';

const typed = (text: string) => new TextEncoder().encode(text);

test('keys are letters, or ctrl with one', () => {
  expect([...parseKeys('ctrl-p,ctrl-q')]).toEqual([16, 17]);
  expect([...parseKeys('a,ctrl-@,ctrl-[,ctrl-_,Z')]).toEqual([97, 0, 27, 31, 90]);
  for (const wrong of ['', 'ctrl-', 'ctrl-P', 'ab', 'ctrl-p,', 'strg-p'])
    expect(() => parseKeys(wrong)).toThrow(`invalid detach keys (${wrong})`);
});

test.each([
  [['a\x10\x11b'], 'a', true],
  [['\x10', '\x11'], '', true],
  [['\x10x\x11'], '\x10x\x11', false],
  [['\x10', 'x'], '\x10x', false],
  [['\x10\x10', '\x11'], '\x10', true],
  [['\x11\x10'], '\x11', false],
  [['ls\r'], 'ls\r', false],
] as const)('of %j goes through %j', (chunks, through, isLeft) => {
  const watch = new KeyWatch(parseKeys('ctrl-p,ctrl-q'));
  let [all, left] = ['', false];
  for (const chunk of chunks) {
    const passed = watch.pass(typed(chunk));
    all += new TextDecoder().decode(passed.through);
    left ||= passed.isLeft;
  }
  expect([all, left]).toEqual([through, isLeft]);
});
