import { expect, test } from 'bun:test';
import { encode } from '../plan/encode.ts';
import { explain } from '../plan/explain.ts';
import { plan, type Step } from '../plan/index.ts';
import { parseHierarchies } from './detect.ts';
import { cgroupSteps } from './steps.ts';

const v1 = parseHierarchies({
  mountinfo:
    '1 9 0:1 / /cg/memory rw - cgroup c rw,memory\n2 9 0:2 / /cg/pids rw - cgroup c rw,pids',
  kernel: '',
  v2Controllers: '',
});
const v2 = parseHierarchies({
  mountinfo: '1 9 0:1 / /cg rw - cgroup2 c rw',
  kernel: '',
  v2Controllers: 'memory pids',
});
const resources = { memory: { limit: 4096 }, pids: { limit: 3 } };

function calls(steps: readonly Step[]): string[] {
  return explain(plan('p', steps)).map(({ call, then }) => [call, ...then].join('; '));
}

test('create on v1: a directory in each hierarchy, then each limit in its own', () => {
  expect(calls(cgroupSteps(v1, '/cloche/x', resources).create)).toEqual([
    'mkdirat(AT_FDCWD, "/cg/memory/cloche/x", 0755)',
    'mkdirat(AT_FDCWD, "/cg/pids/cloche/x", 0755)',
    'openat(AT_FDCWD, "/cg/memory/cloche/x/memory.limit_in_bytes", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "4096", 4)',
    'close(limit)',
    'openat(AT_FDCWD, "/cg/pids/cloche/x/pids.max", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "3", 1)',
    'close(limit)',
  ]);
});

test('create on v2: one directory, and the devices as a program', () => {
  const devices = [{ allow: false }];
  expect(calls(cgroupSteps(v2, '/cloche/x', { ...resources, devices }).create)).toEqual([
    'mkdirat(AT_FDCWD, "/cg/cloche/x", 0755)',
    'openat(AT_FDCWD, "/cg/cloche/x/memory.max", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "4096", 4)',
    'close(limit)',
    'openat(AT_FDCWD, "/cg/cloche/x/pids.max", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "3", 1)',
    'close(limit)',
    'openat(AT_FDCWD, "/cg/cloche/x", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = attach',
    'bpf(BPF_PROG_LOAD, &program, 72) = attach[4]',
    'bpf(BPF_PROG_ATTACH, &attach, 16)',
    'close(attach[4])',
    'close(attach)',
  ]);
});

test('a child writes 0 into all tasks of v1, and is born in v2', () => {
  const { join, bornIn } = cgroupSteps(v1, '/cloche/x', {});
  expect(calls(join)).toEqual([
    'openat(AT_FDCWD, "/cg/memory/cloche/x/tasks", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "0", 1)',
    'close(limit)',
    'openat(AT_FDCWD, "/cg/pids/cloche/x/tasks", O_WRONLY|O_CLOEXEC) = limit',
    'write(limit, "0", 1)',
    'close(limit)',
  ]);
  expect(bornIn).toBeUndefined();
  expect(cgroupSteps(v2, '/cloche/x', {})).toMatchObject({ join: [], bornIn: '/cg/cloche/x' });
});

test('remove on v2 kills first, and waits no longer than its timer', () => {
  expect(calls(cgroupSteps(v2, '/cloche/x', {}).remove)).toEqual([
    'openat(AT_FDCWD, "/cg/cloche/x/cgroup.kill", O_WRONLY|O_CLOEXEC) = kill; ENOENT is fine',
    'write(kill, "1", 1); EBADF is fine',
    'close(kill); EBADF is fine',
    'timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK|TFD_CLOEXEC) = timer',
    'timerfd_settime(timer, 0, {0, 2 s}, 0)',
    'unlinkat(AT_FDCWD, "/cg/cloche/x", AT_REMOVEDIR); zero → /cg/cloche/x is gone; EBUSY, ENOENT is fine',
    'faccessat(AT_FDCWD, "/cg/cloche/x", 0); negative → /cg/cloche/x is gone',
    'nanosleep({1 ms}, 0)',
    'read(timer, &expirations, 8); negative → try /cg/cloche/x again',
    'unlinkat(AT_FDCWD, "/cg/cloche/x", AT_REMOVEDIR); ENOENT is fine',
    'close(timer)',
  ]);
});

test('the steps of one life fit into one plan, for both architectures', () => {
  const { create, join, remove } = cgroupSteps(v2, '/cloche/x', {
    ...resources,
    devices: [{ allow: false }],
  });
  const whole = plan('life', [...create, ...join, ...remove]);
  for (const arch of ['x86_64', 'aarch64'] as const)
    expect(encode(whole, arch).bytes.length).toBeGreaterThan(0);
});

test('two containers’ steps have different labels', () => {
  const one = cgroupSteps(v2, '/cloche/x', {}).remove;
  const two = cgroupSteps(v2, '/cloche/y', {}).remove;
  expect(() => encode(plan('two', [...one, ...two]), 'x86_64')).not.toThrow();
});

test('a path that leads out of its hierarchy, or is its root, is refused', () => {
  for (const path of ['/', '', 'cloche', '/a/../../b', '/./a', '//a', '/a/', '/a\nb'])
    expect(() => cgroupSteps(v2, path, {})).toThrow('is no path of a cgroup');
});
