import { expect, test } from 'bun:test';
import { explain } from './explain.ts';
import {
  block,
  bytes,
  call,
  flags,
  jump,
  mode,
  plan,
  pointer,
  result,
  text,
  texts,
  value,
} from './index.ts';

const root = result('root');
const stat = block('stat', [], { size: 16 });

const shown = plan('shown', [
  call(
    'openat',
    [flags('AT_FDCWD'), text('/a "b"'), flags('O_RDONLY', 'O_CLOEXEC'), 0],
    'open it',
    {
      save: root,
      stage: 'shim',
    },
  ),
  call('mkdirat', [root, text('proc'), mode(0o755)], 'a place', { tolerate: ['EEXIST', 'EROFS'] }),
  call('execve', [texts(['sh', '-c']), pointer(stat, 8), value(stat, 8), flags()], 'go'),
  call('write', [1, bytes(Uint8Array.of(1), 'the map'), -1n], 'say it', { tolerate: 'any' }),
  call('wait4', [root], 'its end', { jump: { on: 'negative', to: { name: 'gone' } } }),
  jump('end', 'done'),
  call('value', [{ kind: 'target', label: 'end' }], 'where it begins', { label: 'end' }),
]);

test('a plan is explained as strace would write it', () => {
  expect(explain(shown).map(({ index, call, then }) => [index, call, ...then])).toEqual([
    [0, 'openat(AT_FDCWD, "/a \\"b\\"", O_RDONLY|O_CLOEXEC, 0) = root'],
    [1, 'mkdirat(root, "proc", 0755)', 'EEXIST, EROFS is fine'],
    [2, 'execve(["sh", "-c"], &stat+8, stat[8], 0)'],
    [3, 'write(1, the map, -1)', 'any error is fine'],
    [4, 'wait4(root)', 'negative → gone'],
    [5, 'value(0)', 'goto end'],
    [6, 'value(step end)'],
  ]);
});

test('each line has its reason, its stage and its manual page', () => {
  const [first, , , , , last] = explain(shown);
  expect(first).toMatchObject({ why: 'open it', stage: 'shim', man: 'openat(2)' });
  expect(last).toMatchObject({ why: 'done', stage: undefined, man: undefined });
});

test('text with a NUL and a seventh argument are refused at once', () => {
  expect(() => text('a\0b')).toThrow('"a\\u0000b" holds a NUL byte');
  expect(() => call('getpid', [1, 2, 3, 4, 5, 6, 7], 'why')).toThrow('six is the most');
});
