import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../launch-plan.ts';
import { call, flags, plan, text, texts } from '../plan/index.ts';
import { I386_SYSCALLS } from './i386.ts';
import { compile, defaultPolicy, evaluate, type Policy, seccompSteps } from './index.ts';

const [ALLOW, ERRNO, KILL] = [0x7fff0000, 0x00050000, 0x80000000];
const [X86_64, I386] = [0xc000003e, 0x40000003];

const policy: Policy = {
  defaultAction: 'SCMP_ACT_ERRNO',
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  syscalls: [
    { names: ['exit', 'mmap2', 'execve', 'seccomp', 'exit_group'], action: 'SCMP_ACT_ALLOW' },
  ],
};

test('each call of i386 has its own number, and the last ones are everybody’s', () => {
  const numbers = [...I386_SYSCALLS.values()];
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(
    ['exit', 'write', 'socketcall', 'mmap2', 'socket', 'clock_gettime64', 'mseal'].map((name) =>
      I386_SYSCALLS.get(name),
    ),
  ).toEqual([1, 4, 102, 192, 359, 403, 462]);
});

test('a policy that lists x86 decides on its calls by their own numbers', () => {
  const { program, warnings } = compile(policy, 'x86_64');
  const says = (arch: number, number: number) => evaluate(program, { arch, number, args: [] });
  expect(warnings).toEqual([]);
  expect([says(I386, 1), says(I386, 192), says(I386, 4), says(I386, 4000)]).toEqual([
    ...[ALLOW, ALLOW, ERRNO | 1, ERRNO | 38],
  ]);
  expect([says(X86_64, 60), says(X86_64, 1), says(X86_64, 192)]).toEqual([
    ...[ALLOW, ERRNO | 1, ERRNO | 1],
  ]);
  const without = compile({ ...policy, architectures: ['SCMP_ARCH_X86_64'] }, 'x86_64');
  expect(evaluate(without.program, { arch: I386, number: 1, args: [] })).toBe(KILL);
  expect(evaluate(compile(policy, 'aarch64').program, { arch: I386, number: 1, args: [] })).toBe(
    KILL,
  );
});

/** `mov $1, %eax; mov $42, %ebx; int $0x80` as an ELF file of 32 bits. */
function program(): Uint8Array {
  const code = [0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80];
  const [base, start] = [0x0804_8000, 0x54];
  const [size, view] = [start + code.length, new DataView(new ArrayBuffer(start + code.length))];
  const bytes = new Uint8Array(view.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  const header = [
    [16, 2],
    [18, 3],
    [40, 52],
    [42, 32],
    [44, 1],
  ] as const;
  for (const [at, half] of header) view.setUint16(at, half, true);
  const words = [
    [20, 1],
    [24, base + start],
    [28, 52],
    [52, 1],
    [60, base],
    [64, base],
  ] as const;
  for (const [at, word] of words) view.setUint32(at, word, true);
  for (const [at, word] of [
    [68, size],
    [72, size],
    [76, 5],
    [80, 4096],
  ] as const)
    view.setUint32(at, word, true);
  bytes.set(code, start);
  return bytes;
}

test.if(process.arch === 'x64')(
  'a program of 32 bits lives under a policy that lists x86, and under no other',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'cloche-i386-'));
    const path = join(directory, 'exit-42');
    writeFileSync(path, program(), { mode: 0o755 });
    const run = async (steps: ReturnType<typeof seccompSteps>['steps']) => {
      const alone = call('prctl', [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0], 'for the filter');
      const launched = launch(
        plan('i386', [
          alone,
          ...steps,
          call('execve', [text(path), texts([path]), texts([])], 'go'),
        ]),
      );
      const code = await launched.exited;
      launched.close();
      return code;
    };
    const SIGSYS = 31;
    // A kernel without programs of 32 bits has nothing to filter.
    if ((await run([])) === 42) {
      expect(await run(seccompSteps(policy, 'x86_64').steps)).toBe(42);
      expect(await run(seccompSteps(defaultPolicy([]), 'x86_64').steps)).toBe(42);
      const without = { ...policy, architectures: [] };
      expect(await run(seccompSteps(without, 'x86_64').steps)).toBe(128 + SIGSYS);
    }
    rmSync(directory, { recursive: true });
  },
);
