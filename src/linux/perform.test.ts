import { expect, test } from 'bun:test';
import { ClocheError } from '../error.ts';
import { perform } from './perform.ts';
import { breakStep } from './plan/break.ts';
import {
  block,
  buffer,
  call,
  flags,
  jump,
  plan,
  pointer,
  result,
  text,
  value,
} from './plan/index.ts';

const getpid = result('pid');

test('a plan is performed by the kernel and its results come back', async () => {
  const done = await perform(plan('pid', [call('getpid', [], 'who am I', { save: getpid })]));
  expect(done.value(getpid)).toBe(BigInt(done.pid));
});

test('a failing step names itself, its call, the errno and a hint', async () => {
  const failing = plan('fails', [
    call('getpid', [], 'fine'),
    call('openat', [flags('AT_FDCWD'), text('/nowhere'), flags('O_RDONLY'), 0], 'there is nothing'),
  ]);
  const error = await perform(failing).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ClocheError);
  expect((error as ClocheError).message).toBe(
    'openat(AT_FDCWD, "/nowhere", O_RDONLY, 0) failed: ENOENT (No such file or directory)',
  );
  expect((error as ClocheError).details.step).toBe(1);
});

test('a tolerated errno is a success and is saved', async () => {
  const saved = result('r');
  const done = await perform(
    plan('tolerates', [
      call('openat', [flags('AT_FDCWD'), text('/nowhere'), 0, 0], 'maybe', {
        tolerate: ['EACCES', 'ENOENT'],
        save: saved,
      }),
    ]),
  );
  expect(done.value(saved)).toBe(-2n);
});

test('on failure the plan goes on where the step says, and the first failure is kept', async () => {
  const cleaned = result('cleaned');
  const broken = plan('cleans up', [
    call('close', [99], 'no such fd', { onFail: 'clean' }),
    call('value', [1], 'not reached', { save: cleaned }),
    call('value', [7], 'clean up', { label: 'clean', save: cleaned }),
    call('close', [98], 'fails as well', { onFail: 'end' }),
    call('exit_group', [3], 'say so', { label: 'end' }),
  ]);
  const error = await perform(broken).catch((e: unknown) => e as ClocheError);
  expect(error).toMatchObject({ code: 'STEP_FAILED', details: { step: 0, errno: 'EBADF' } });
});

const jumps = { zero: [0], nonzero: [7, -5], negative: [-5], positive: [7], always: [0, 7, -5] };

test.each(Object.keys(jumps) as (keyof typeof jumps)[])('jumps on %s only', async (on) => {
  for (const number of [0, 7, -5]) {
    const stayed = result('stayed');
    const done = await perform(
      plan('jump', [
        call('value', [number], 'a result', { jump: { on, to: 'end' }, tolerate: 'any' }),
        call('value', [1], 'not jumped', { save: stayed }),
        call('getpid', [], 'end', { label: 'end' }),
      ]),
    );
    expect([number, done.value(stayed) === 0n]).toEqual([number, jumps[on].includes(number)]);
  }
});

test('arguments are read from memory, 64 bits and sign-extended 32', async () => {
  const words = block('words', [Uint8Array.of(1, 2, 3, 4, 0xfe, 0xff, 0xff, 0xff)]);
  const wide = result('wide');
  const narrow = result('narrow');
  const done = await perform(
    plan('loads', [
      call('value', [value(words)], 'all of it', { save: wide, tolerate: 'any' }),
      call('value', [value(words, 4, 'i32')], 'minus two', { save: narrow, tolerate: 'any' }),
    ]),
  );
  expect(done.value(wide)).toBe(BigInt.asIntN(64, 0xffff_fffe_0403_0201n));
  expect(done.value(narrow)).toBe(-2n);
});

test('both halves of a clone share the memory, and a child that jumps leaves the pid alone', async () => {
  const pid = result('pid');
  const status = buffer('status', 8);
  const done = await perform(
    plan('fork', [
      call('clone', [flags('SIGCHLD'), 0, 0, 0, 0], 'a child', {
        save: pid,
        jump: { on: 'zero', to: 'child' },
      }),
      call('wait4', [pid, pointer(status), 0, 0], 'its end'),
      jump('end', 'done'),
      call('exit_group', [42], 'the child', { label: 'child' }),
      call('getpid', [], 'end', { label: 'end' }),
    ]),
  );
  expect(Number(done.value(pid))).toBeGreaterThan(done.pid);
  expect(done.read(status)[1]).toBe(42);
});

test('a broken step is not performed and fails with the given errno', async () => {
  const made = plan('mkdir', [
    call('mkdirat', [flags('AT_FDCWD'), text('/tmp/never-made'), 0o755], 'a directory'),
  ]);
  const error = await perform(breakStep(made, 0, 'EDQUOT')).catch((e: unknown) => e);
  expect(error).toMatchObject({ details: { errno: 'EDQUOT' } });
  expect(await Bun.file('/tmp/never-made').exists()).toBe(false);
});

test('times are microseconds of each step', async () => {
  const nap = block('nap', [0n, 5_000_000n]);
  const done = await perform(
    plan('naps', [call('nanosleep', [pointer(nap), 0], '5 ms'), call('getpid', [], 'quick')]),
    { time: true },
  );
  const [slept = 0, quick = 0] = done.times();
  expect(slept).toBeGreaterThan(4_900);
  expect(quick).toBeLessThan(slept);
});
