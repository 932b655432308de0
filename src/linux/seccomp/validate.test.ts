import { expect, test } from 'bun:test';
import { compile, type Policy, seccompSteps } from './index.ts';

/** A policy as it may stand in somebody's `config.json`: nothing is promised. */
function compiled(policy: unknown) {
  return compile(policy as Policy, 'x86_64');
}

function withCondition(condition: object) {
  const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...condition }];
  const rule = { names: ['read'], action: 'SCMP_ACT_ALLOW', args };
  return () => compiled({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] });
}

function withRule(rule: object) {
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_ALLOW', ...rule }];
  return () => compiled({ defaultAction: 'SCMP_ACT_ERRNO', syscalls });
}

test('what holds in a condition is compiled, up to the largest numbers', () => {
  for (const value of [0, Number.MAX_SAFE_INTEGER, 0n, 2n ** 64n - 1n])
    expect(withCondition({ index: 5, value })().warnings).toEqual([]);
});

test.each([
  ['an argument in between', withCondition({ index: 1.5 })],
  ['a seventh argument', withCondition({ index: 6 })],
  ['a comparison of no name', withCondition({ op: 'SCMP_CMP_XX' })],
  ['a comparison that every object has', withCondition({ op: 'toString' })],
  ['no value', withCondition({ value: undefined })],
  ['a value in between', withCondition({ value: 1.5 })],
  ['a value that JSON has rounded', withCondition({ value: JSON.parse('18446744073709551615') })],
  ['a second value that JSON has rounded', withCondition({ valueTwo: 2 ** 53 })],
  ['a value below zero', withCondition({ value: -1 })],
  ['a value of more than 64 bits', withCondition({ value: 2n ** 64n })],
  ['an action that every object has', withRule({ action: 'toString' })],
  ['no names', withRule({ names: undefined })],
  ['an errno of more than 16 bits', withRule({ action: 'SCMP_ACT_ERRNO', errnoRet: 70_000 })],
  ['conditions that are no list', withRule({ args: {} })],
])('%s is refused by name, not compiled', (_, compiling) => {
  expect(compiling).toThrow(expect.objectContaining({ code: 'SECCOMP_INVALID' }));
});

test('a name that every object has is no system call and no flag', () => {
  const { warnings } = withRule({ names: ['toString', '__proto__'] })();
  expect(warnings).toEqual(["seccomp: no system call 'toString', '__proto__' is known here"]);
  const policy: Policy = { defaultAction: 'SCMP_ACT_ALLOW', flags: ['toString'] };
  expect(() => seccompSteps(policy, 'x86_64')).toThrow(
    expect.objectContaining({ code: 'SECCOMP_UNSUPPORTED' }),
  );
});

test('a small policy compiles to these instructions', () => {
  const syscalls = [{ names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 5 }];
  const { program } = compiled({ defaultAction: 'SCMP_ACT_ALLOW', syscalls });
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const lines = Array.from({ length: program.length / 8 }, (_, i) => {
    const [op, k] = [code.getUint16(i * 8, true), code.getUint32(i * 8 + 4, true)];
    const [yes, no] = [code.getUint8(i * 8 + 2), code.getUint8(i * 8 + 3)];
    return `${op.toString(16)} ${yes} ${no} ${k.toString(16)}`;
  });
  expect(lines).toEqual([
    '20 0 0 4', // A = arch
    '15 0 6 c000003e', // x86-64?
    '20 0 0 0', // A = number
    '35 0 1 40000000', // x32?
    '6 0 0 50026', // ENOSYS
    '35 1 0 1', // above read?
    '6 0 0 50005', // read: EIO
    '6 0 0 7fff0000', // allow
    '6 0 0 80000000', // another architecture: kill the process
  ]);
});
