import { expect, test } from 'bun:test';
import { syscallNumber } from '../abi/numbers.ts';
import { SYSCALLS, type SyscallName } from '../abi/syscalls.ts';
import { CAPABILITIES } from '../capabilities.ts';
import { EVERYBODY, GIVEN, I386_ONLY } from './default-tables.ts';
import { I386_SYSCALLS } from './i386.ts';
import { compile, defaultPolicy, evaluate } from './index.ts';

const AUDIT = { x86_64: 0xc000003e, aarch64: 0xc00000b7 } as const;
const [ALLOW, ERRNO, KILL] = [0x7fff0000, 0x00050000, 0x80000000];

test('the default policy is a binary search, not a list', () => {
  expect(compile(defaultPolicy([]), 'x86_64').program.length / 8).toBeLessThan(500);
  expect(compile(defaultPolicy([]), 'aarch64').program.length / 8).toBeLessThan(250);
});

test('another architecture kills, and x32 is refused as unknown', () => {
  const { program } = compile(defaultPolicy([]), 'x86_64');
  expect(evaluate(program, { arch: AUDIT.aarch64, number: 1, args: [] })).toBe(KILL);
  expect(evaluate(program, { arch: AUDIT.x86_64, number: 0x40000000, args: [] })).toBe(ERRNO | 38);
});

test('programs of 32 bits may what those of 64 may, with what i386 has for it', () => {
  expect(compile(defaultPolicy([]), 'x86_64').warnings).toEqual([]);
  expect(compile(defaultPolicy([]), 'aarch64').warnings).toEqual([]);
  expect(I386_ONLY.filter((name) => !I386_SYSCALLS.has(name) || name in SYSCALLS)).toEqual([]);
  const { program } = compile(defaultPolicy([]), 'x86_64');
  const says = (name: string, arg = 0n) =>
    evaluate(program, { arch: 0x40000003, number: I386_SYSCALLS.get(name) ?? -1, args: [arg] });
  for (const name of ['exit', 'open', 'mmap2', 'getuid32', 'waitpid', 'clock_gettime64'])
    expect(says(name)).toBe(ALLOW);
  for (const name of ['mount', 'umount', 'stime', 'swapon', 'keyctl', 'vm86'])
    expect(says(name)).toBe(ERRNO | 1);
  expect(says('socket', 2n)).toBe(ALLOW);
  expect(says('socket', 40n)).toBe(ERRNO | 1);
  expect(says('socketcall')).toBe(ERRNO | 38);
  expect(says('clone', 0x10000000n)).toBe(ERRNO | 1);
});

test('the default policy withholds what a capability gives', () => {
  const says = (capabilities: string[], name: SyscallName, arg = 0n) =>
    evaluate(compile(defaultPolicy(capabilities), 'x86_64').program, {
      arch: AUDIT.x86_64,
      number: syscallNumber(name, 'x86_64') ?? -1,
      args: [arg],
    });
  expect(says([], 'read')).toBe(ALLOW);
  expect(says([], 'mount')).toBe(ERRNO | 1);
  expect(says(['CAP_SYS_ADMIN'], 'mount')).toBe(ALLOW);
  expect(says([], 'clone', 17n)).toBe(ALLOW);
  expect(says([], 'clone', 0x10000000n)).toBe(ERRNO | 1);
  expect(says([], 'clone3')).toBe(ERRNO | 38);
  expect(says(['CAP_SYS_ADMIN'], 'clone3')).toBe(ALLOW);
  for (const family of [1n, 2n, 10n, 16n, 17n]) expect(says([], 'socket', family)).toBe(ALLOW);
  for (const family of [38n, 40n, 46n]) expect(says([], 'socket', family)).toBe(ERRNO | 1);
  expect(says([], 'ptrace')).toBe(ALLOW);
  expect(says([], 'pidfd_getfd')).toBe(ERRNO | 1);
  expect(says(['CAP_SYS_PTRACE'], 'pidfd_getfd')).toBe(ALLOW);
  expect(says(['CAP_SYS_BOOT'], 'kexec_load')).toBe(ERRNO | 1);
  expect(says([], 'personality', 8n)).toBe(ALLOW);
  expect(says([], 'personality', 9n)).toBe(ERRNO | 1);
  expect(says(['CAP_SYS_ADMIN'], 'keyctl')).toBe(ERRNO | 1);
});

test('every name in the default tables is a call, named once, and every giver a capability', () => {
  const names = [...EVERYBODY, ...Object.values(GIVEN).flatMap((given) => given ?? [])];
  expect(names.filter((name) => !(name in SYSCALLS))).toEqual([]);
  expect(new Set(EVERYBODY).size).toBe(EVERYBODY.length);
  expect(Object.keys(GIVEN).filter((name) => !CAPABILITIES.some((one) => one === name))).toEqual(
    [],
  );
  const everybody: ReadonlySet<string> = new Set(EVERYBODY);
  for (const given of Object.values(GIVEN))
    expect(given?.filter((name) => everybody.has(name))).toEqual([]);
});
