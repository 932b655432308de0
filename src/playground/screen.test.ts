import { expect, test } from 'bun:test';
import { endsInPrompt, plainText } from './screen.ts';

test('colours, titles and bracketed paste are dropped', () => {
  const output =
    '\u001b[?2004h\u001b]0;root@x\u0007\u001b[01;34mroot\u001b[00m:/# ls\r\n\u001b[?2004l\rbin\r\n';
  expect(plainText(output)).toBe('root:/# ls\nbin\n');
});

test('a progress line keeps its last state', () => {
  expect(plainText('10 %\r50 %\r100 %\r\ndone')).toBe('100 %\ndone');
});

test('a line that is being overwritten shows what is there so far', () => {
  expect(plainText('10 %\r50 %\r')).toBe('50 %');
});

test('a rubbed-out character is gone', () => {
  expect(plainText('lx\bs')).toBe('ls');
});

test('a prompt is a last line that ends in # or $ and a space', () => {
  expect(endsInPrompt('bash-5.2# ')).toBe(true);
  expect(endsInPrompt('text\nroot@play:/$ ')).toBe(true);
  expect(endsInPrompt('bash-5.2# ls')).toBe(false);
  expect(endsInPrompt('# \nmore')).toBe(false);
});
