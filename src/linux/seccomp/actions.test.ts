import { expect, test } from 'bun:test';
import { HOST_ARCH } from '../abi/arch.ts';
import { perform } from '../perform.ts';
import { call, flags, mode, plan, result, text } from '../plan/index.ts';
import { type Action, compile, evaluate, type Policy, seccompSteps } from './index.ts';
import { Program } from './program.ts';

/** What `linux/seccomp.h` calls SECCOMP_RET_*, with the errno in the lower 16 bits. */
const returned: readonly [Action, number][] = [
  ['SCMP_ACT_KILL', 0x00000000],
  ['SCMP_ACT_KILL_THREAD', 0x00000000],
  ['SCMP_ACT_KILL_PROCESS', 0x80000000],
  ['SCMP_ACT_TRAP', 0x00030000],
  ['SCMP_ACT_ERRNO', 0x00050007],
  ['SCMP_ACT_TRACE', 0x7ff00007],
  ['SCMP_ACT_LOG', 0x7ffc0000],
  ['SCMP_ACT_ALLOW', 0x7fff0000],
];

test.each(returned)('%s returns the kernel’s number, by rule and by default', (action, number) => {
  const rule = { names: ['read'], action, errnoRet: 7 };
  const policies: Policy[] = [
    { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 99, syscalls: [rule] },
    { defaultAction: action, defaultErrnoRet: 7 },
  ];
  for (const policy of policies) {
    const { program } = compile(policy, 'x86_64');
    expect(evaluate(program, { arch: 0xc000003e, number: 0, args: [] })).toBe(number);
  }
});

test.each([
  ['SECCOMP_FILTER_FLAG_TSYNC', 1],
  ['SECCOMP_FILTER_FLAG_LOG', 2],
  ['SECCOMP_FILTER_FLAG_SPEC_ALLOW', 4],
])('%s is the kernel’s bit', (flag, bit) => {
  const { steps } = seccompSteps({ defaultAction: 'SCMP_ACT_ALLOW', flags: [flag] }, 'x86_64');
  expect(steps.map((step) => step.args[1])).toEqual([bit]);
});

test('the kernel takes all flags at once; a call to trace is ENOSYS where nobody traces', async () => {
  const policy: Policy = {
    defaultAction: 'SCMP_ACT_ALLOW',
    flags: ['TSYNC', 'LOG', 'SPEC_ALLOW'].map((name) => `SECCOMP_FILTER_FLAG_${name}`),
    syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_TRACE' }],
  };
  const made = result('made');
  const done = await perform(
    plan('traced', [
      call('prctl', [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0], 'anybody may load a filter then'),
      ...seccompSteps(policy, HOST_ARCH).steps,
      call('mkdirat', [flags('AT_FDCWD'), text('/tmp/never'), mode(0o755)], 'nobody traces', {
        save: made,
        tolerate: 'any',
      }),
    ]),
  );
  expect(done.value(made)).toBe(-38n);
});

test('a far jump behind a comparison does not push its other exit out of reach', () => {
  for (let between = 250; between < 262; between++) {
    const [yes, no] = [{ name: 'yes' }, { name: 'no' }];
    const asm = new Program().load(0).branch('eq', 1, yes, no);
    for (let i = 0; i < between; i++) asm.load(0);
    const program = asm.label(no).return(1).label(yes).return(2).assemble();
    const says = (number: number) => evaluate(program, { arch: 0, number, args: [] });
    expect([between, says(1), says(2)]).toEqual([between, 2, 1]);
  }
});
