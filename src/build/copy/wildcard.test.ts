import { describe, expect, test } from 'bun:test';
import { toRaw } from '../../image/layer/scan.ts';
import { ignoring, patternLines } from './ignore.ts';
import { applyMode, checkMode } from './mode.ts';
import { nameMatcher, pathMatcher } from './wildcard.ts';

test.each([
  ['package-lock.json', 'package-lock.json', true],
  ['*.js', 'a-b.js', true],
  ['*.js', 'a.jsx', false],
  ['a?c', 'aéc', true],
  ['[a-c]*', 'bx', true],
  ['[^a-c]*', 'bx', false],
  ['[a\\-c]', '-', true],
  ['c++ (1) {$}', 'c++ (1) {$}', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['a/b', 'a/b', true],
])('%s and %s: %p', (pattern, name, expected) => {
  expect(nameMatcher(toRaw(pattern))(toRaw(name))).toBe(expected);
});

test.each(['[', '[]', '[z-a]', 'a\\', '[-a]', '[a-]'])('%s is no pattern', (pattern) => {
  expect(() => nameMatcher(pattern)).toThrow(`syntax error in pattern: '${pattern}'`);
});

describe('.dockerignore', () => {
  const ignores = (text: string, path: string, isDirectory = false) =>
    ignoring(patternLines(text))(toRaw(path), isDirectory);
  test.each([
    ['node_modules', 'node_modules/a/b', true],
    ['node_modules', 'x/node_modules', false],
    ['**/node_modules', 'x/y/node_modules/z', true],
    ['*/temp*', 'a/temporary', true],
    ['*/temp*', 'a/b/temporary', false],
    ['*.md\n!README*.md\nREADME-secret.md', 'README.md', false],
    ['*.md\n!README*.md\nREADME-secret.md', 'README-secret.md', true],
    ['  /foo/bar/  ', 'foo/bar', true],
    ['# a\n#b', 'b', false],
    ['./a', 'a', true],
    ['a/**', 'a/b/c', true],
    ['**', 'anything/at/all', true],
    ['**/*.go', 'x.go', true],
    ['c++', 'c++/x', true],
    ['constructor', 'constructor', true],
    ['*', 'constructor', true],
    ['\uFEFFa\r\nb\r\n', 'b', true],
    ['Dockerfile\n.dockerignore', 'Dockerfile', true],
    ['a b', 'a b', true],
  ])('%j and %s: %p', (text, path, expected) => {
    expect(ignores(text, path)).toBe(expected);
  });

  test('an ignored directory is looked into where an exception may be in it', () => {
    const text = 'a\n!a/b/keep';
    expect(['a', 'a/b', 'a/c', 'x'].map((path) => ignores(text, path, true))).toEqual([
      ...[false, false, true, false],
    ]);
  });
});

/** What a pattern of `a`, `*`, `?`, `/` and `**` means, tried one way after the other. */
function means(pattern: string, path: string): boolean {
  if (pattern === '') return path === '';
  if (pattern === '**' || pattern === '**/') return true;
  if (pattern.startsWith('**')) {
    const rest = pattern.slice(pattern[2] === '/' ? 3 : 2);
    const starts = [0, ...[...path].flatMap((char, at) => (char === '/' ? at + 1 : []))];
    return starts.some((at) => means(rest, path.slice(at)));
  }
  if (pattern[0] === '*')
    return (
      means(pattern.slice(1), path) ||
      (path !== '' && path[0] !== '/' && means(pattern, path.slice(1)))
    );
  const isTaken = pattern[0] === '?' ? path !== '' && path[0] !== '/' : pattern[0] === path[0];
  return isTaken && means(pattern.slice(1), path.slice(1));
}

test('patterns mean the same as when all ways are tried, whatever they are', () => {
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const some = (pieces: readonly string[]) =>
    Array.from({ length: random(7) }, () => pieces[random(pieces.length)]).join('');
  let count = 0;
  for (let round = 0; round < 20_000; round++) {
    const pattern = some(['a', 'b', 'é', '/', '?', '*', '**/']).replace(/\*{3,}/g, '**');
    const path = some(['a', 'b', 'é', '/']);
    const expected = means(pattern, path);
    if (pathMatcher(toRaw(pattern))(toRaw(path)) !== expected)
      throw new Error(`${pattern} and ${path} are to give ${expected}`);
    count += expected ? 1 : 0;
  }
  expect(count).toBeGreaterThan(1000);
});

test('no pattern takes for ever', () => {
  const start = Date.now();
  expect(nameMatcher(`${'*a'.repeat(100)}b`)('a'.repeat(255))).toBe(false);
  expect(nameMatcher(`${'*[a-b]?*'.repeat(100)}`)('a'.repeat(255))).toBe(true);
  expect(pathMatcher(`${'**/*a*'.repeat(50)}b`)('a/'.repeat(500))).toBe(false);
  expect(ignoring([`${'**/a/'.repeat(30)}b`])(`${'a/'.repeat(100)}a`, false)).toBe(false);
  expect(Date.now() - start).toBeLessThan(2000);
});

test.each([
  ['755', 0o600, false, 0o755],
  ['04755', 0o600, false, 0o4755],
  ['u+x,go-w', 0o666, false, 0o744],
  ['a=r', 0o777, false, 0o444],
  ['+x', 0o640, false, 0o751],
  ['a+X', 0o640, false, 0o640],
  ['a+X', 0o640, true, 0o751],
  ['g=u,o=', 0o640, false, 0o660],
  ['u+s,+t', 0o755, true, 0o5755],
])('--chmod=%s of %o', (text, bits, isDirectory, expected) => {
  checkMode(text);
  expect(applyMode(text, bits, isDirectory)).toBe(expected);
});

test.each(['u+y', '888', '77777', '', 'x', '+x,'])('--chmod=%p is refused', (text) => {
  expect(() => checkMode(text)).toThrow('invalid chmod parameter');
});
