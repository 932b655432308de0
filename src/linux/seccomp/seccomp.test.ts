import { expect, test } from 'bun:test';
import { HOST_ARCH } from '../abi/arch.ts';
import { syscallNumber } from '../abi/numbers.ts';
import { SYSCALLS, type SyscallName } from '../abi/syscalls.ts';
import { perform } from '../perform.ts';
import { call, flags, mode, plan, result, text, texts } from '../plan/index.ts';
import {
  type Action,
  type Call,
  type Condition,
  compile,
  defaultPolicy,
  evaluate,
  type Policy,
  type Rule,
  seccompSteps,
} from './index.ts';
import { Program } from './program.ts';

const AUDIT = { x86_64: 0xc000003e, aarch64: 0xc00000b7 } as const;
const [ALLOW, ERRNO, KILL] = [0x7fff0000, 0x00050000, 0x80000000];
/** The highest number in our table of calls, on both architectures. */
const NEWEST = 469;

/** A generator of its own, so that a failure can be repeated. */
function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function naive(policy: Policy, arch: 'x86_64' | 'aarch64', { number, args }: Call): number {
  if (number > NEWEST) return ERRNO | 38;
  const otherwise = ERRNO | (policy.defaultErrnoRet ?? 1);
  const verdictOf = ({ action, errnoRet = 1 }: Rule) =>
    action === 'SCMP_ACT_ALLOW' ? ALLOW : ERRNO | errnoRet;
  const rules = (policy.syscalls ?? []).filter(
    (rule) =>
      rule.names.some((name) => syscallNumber(name as SyscallName, arch) === number) &&
      verdictOf(rule) !== otherwise,
  );
  const fits = ({ args: conditions = [] }: Rule) => {
    const indices = conditions.map(({ index }) => index);
    const each = (one: Condition) => holds(one, args[one.index] ?? 0n);
    return new Set(indices).size < indices.length ? conditions.some(each) : conditions.every(each);
  };
  const rule = rules.find((one) => one.args?.length === 0) ?? rules.find(fits);
  return rule === undefined ? otherwise : verdictOf(rule);
}

function holds({ op, value, valueTwo }: Condition, arg: bigint): boolean {
  const wanted = BigInt(value);
  switch (op) {
    case 'SCMP_CMP_EQ':
      return arg === wanted;
    case 'SCMP_CMP_NE':
      return arg !== wanted;
    case 'SCMP_CMP_LT':
      return arg < wanted;
    case 'SCMP_CMP_LE':
      return arg <= wanted;
    case 'SCMP_CMP_GT':
      return arg > wanted;
    case 'SCMP_CMP_GE':
      return arg >= wanted;
    case 'SCMP_CMP_MASKED_EQ':
      return (arg & wanted) === (BigInt(valueTwo ?? 0) & wanted);
  }
}

test.each(['x86_64', 'aarch64'] as const)(
  'a compiled policy decides as its rules do, on %s',
  (arch) => {
    const next = random(4711);
    const names = Object.keys(SYSCALLS);
    const words = [
      0n,
      1n,
      7n,
      0xffff_ffffn,
      0x1_0000_0000n,
      0x1_0000_0007n,
      0xffff_ffff_ffff_ffffn,
    ];
    const word = () => words[next(words.length)] ?? 0n;
    const ops = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'] as const;
    for (let round = 0; round < 60; round++) {
      const policy: Policy = {
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 1 + next(40),
        syscalls: Array.from({ length: next(30) }, () => ({
          names: Array.from({ length: 1 + next(12) }, () => names[next(names.length)] ?? ''),
          action: next(3) === 0 ? ('SCMP_ACT_ERRNO' as const) : ('SCMP_ACT_ALLOW' as const),
          errnoRet: 1 + next(40),
          args: Array.from({ length: next(3) }, () => ({
            index: next(6),
            value: word(),
            valueTwo: word(),
            op: `SCMP_CMP_${ops[next(ops.length)] ?? 'EQ'}` as const,
          })),
        })),
      };
      const { program } = compile(policy, arch);
      for (let i = 0; i < 600; i++) {
        const one = { arch: AUDIT[arch], number: next(480), args: Array.from({ length: 6 }, word) };
        expect(evaluate(program, one)).toBe(naive(policy, arch, one));
      }
    }
  },
);

test('what runc makes of a policy: the default said again is no rule, and of two rules the plain one', () => {
  const one = (index: number, value: number) => ({ index, value, op: 'SCMP_CMP_EQ' as const });
  const compiled = (defaultAction: Action, ...syscalls: Rule[]) => {
    const { program } = compile({ defaultAction, syscalls }, 'x86_64');
    return (...args: bigint[]) => evaluate(program, { arch: AUDIT.x86_64, number: 1, args });
  };
  const write = (action: Action, ...args: Condition[]): Rule => ({
    names: ['write'],
    action,
    args,
  });
  const allows = write('SCMP_ACT_ALLOW');
  const kills = write('SCMP_ACT_KILL_PROCESS');
  expect(compiled('SCMP_ACT_ALLOW', allows, kills)(0n)).toBe(KILL);
  expect(compiled('SCMP_ACT_ALLOW', write('SCMP_ACT_ERRNO', one(0, 1)), kills)(1n)).toBe(KILL);
  expect(compiled('SCMP_ACT_ERRNO', allows, kills)(0n)).toBe(ALLOW);
  // Two conditions on one argument: any of them.
  const either = compiled(
    'SCMP_ACT_ALLOW',
    write('SCMP_ACT_ERRNO', one(0, 1), one(0, 2), one(1, 9)),
  );
  const calls = [
    [1n, 0n],
    [2n, 0n],
    [3n, 9n],
    [3n, 0n],
  ].map((args) => either(...args));
  expect(calls).toEqual([ERRNO | 1, ERRNO | 1, ERRNO | 1, ALLOW]);
});

test('what a newer kernel brings is ENOSYS where the default refuses, and allowed where it allows', () => {
  const says = (defaultAction: Policy['defaultAction'], number: number) =>
    evaluate(compile({ defaultAction }, 'aarch64').program, {
      arch: AUDIT.aarch64,
      number,
      args: [],
    });
  expect(says('SCMP_ACT_ERRNO', NEWEST)).toBe(ERRNO | 1);
  expect(says('SCMP_ACT_ERRNO', NEWEST + 1)).toBe(ERRNO | 38);
  expect(says('SCMP_ACT_KILL_PROCESS', NEWEST + 1)).toBe(ERRNO | 38);
  expect(says('SCMP_ACT_ALLOW', NEWEST + 1)).toBe(ALLOW);
});

test('jumps further than 255 instructions arrive, on both exits of a comparison', () => {
  for (let between = 250; between < 262; between++)
    for (const far of ['yes', 'no', 'both']) {
      const [near, away, other] = [{ name: 'near' }, { name: 'away' }, { name: 'other' }];
      const [yes, no] = far === 'yes' ? [away, near] : far === 'no' ? [near, away] : [away, other];
      const asm = new Program().load(0).branch('eq', 1, yes, no).label(near);
      for (let i = 0; i < between; i++) asm.load(0);
      const program = asm.return(1).label(away).return(2).label(other).return(3).assemble();
      const says = (number: number) => evaluate(program, { arch: 0, number, args: [] });
      expect([says(1), says(2)]).toEqual(far === 'yes' ? [2, 1] : far === 'no' ? [1, 2] : [2, 3]);
    }
});

test('many values of one argument decide as one after another would', () => {
  const next = random(7);
  const values = [0, 1, 2, 3, 5, 6, 9, 0xffff_fffe, 0xffff_ffff, 2 ** 32, 2 ** 32 + 1];
  for (let round = 0; round < 300; round++) {
    const syscalls = Array.from({ length: 1 + next(12) }, (): Rule => {
      const op = next(9) === 0 ? 'SCMP_CMP_GT' : 'SCMP_CMP_EQ';
      const value = values[next(values.length)] ?? 0;
      const errnoRet = next(6) === 0 ? 3 : 2;
      const args = [{ index: next(6) === 0 ? 1 : 0, value, op } as const];
      return { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet, args };
    });
    const policy: Policy = { defaultAction: 'SCMP_ACT_ERRNO', syscalls };
    const { program } = compile(policy, 'x86_64');
    for (const one of [...values, 4, 7, 8])
      for (const other of [0, 3, 7]) {
        const asked = { arch: AUDIT.x86_64, number: 0, args: [BigInt(one), BigInt(other)] };
        expect(evaluate(program, asked)).toBe(naive(policy, 'x86_64', asked));
      }
  }
});

test('a policy that the kernel would not take for its length is refused with its length', () => {
  const syscalls = Array.from({ length: 1000 }, (_, value) => ({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW' as const,
    args: [{ index: value % 6, value, op: 'SCMP_CMP_EQ' as const }],
  }));
  expect(() => compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, 'x86_64')).toThrow(
    'instructions, 4096 is the most',
  );
});

test('unknown names are left out with a warning', () => {
  const rule = { names: ['read', 'brew_coffee'], action: 'SCMP_ACT_ALLOW' as const };
  expect(compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] }, 'x86_64').warnings).toEqual(
    ["seccomp: no system call 'brew_coffee' is known here"],
  );
  const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `brew_${letter}`);
  const many = { names, action: 'SCMP_ACT_ALLOW' as const };
  expect(compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [many] }, 'x86_64').warnings).toEqual(
    ["seccomp: no system call 'brew_a', 'brew_b', 'brew_c' and 2 more is known here"],
  );
});

test('what is asked about gets a listener, which goes with no other threads', () => {
  const policy: Policy = {
    defaultAction: 'SCMP_ACT_ALLOW',
    flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
    syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }],
    listenerPath: '/run/agent',
  };
  const { program } = compile(policy, 'x86_64');
  const call = { arch: 0xc000003e, args: [] };
  expect(evaluate(program, { ...call, number: 165 })).toBe(0x7fc00000);
  expect(evaluate(program, { ...call, number: 0 })).toBe(0x7fff0000);
  const bits = (one: Policy) => seccompSteps(one, 'x86_64').steps[0]?.args[1];
  expect(bits(policy)).toBe(8 | 32);
  expect(bits({ ...policy, syscalls: [] })).toBe(1);
});

test('the kernel takes the filter and refuses what it says', async () => {
  const [made, pid] = [result('made'), result('pid')];
  const policy: Policy = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 122 }],
  };
  const done = await perform(
    plan('filtered', [
      call(
        'prctl',
        [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0],
        'so that anybody may load a filter',
      ),
      ...seccompSteps(policy, HOST_ARCH).steps,
      call('mkdirat', [flags('AT_FDCWD'), text('/tmp/never'), mode(0o755)], 'refused', {
        save: made,
        tolerate: 'any',
      }),
      call('getpid', [], 'allowed', { save: pid }),
    ]),
  );
  expect(done.value(made)).toBe(-122n);
  expect(Number(done.value(pid))).toBe(done.pid);
});

test('a shell lives under the default policy', async () => {
  const status = await perform(
    plan('shell', [
      call(
        'prctl',
        [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0],
        'so that anybody may load a filter',
      ),
      ...seccompSteps(defaultPolicy([]), HOST_ARCH).steps,
      call(
        'execve',
        [text('/bin/sh'), texts(['sh', '-c', 'echo $((6*7)) >/dev/null; ls / >/dev/null']), 0],
        'a shell',
      ),
    ]),
  );
  expect(status.failure()).toBeUndefined();
});
