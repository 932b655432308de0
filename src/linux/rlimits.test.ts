import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { perform } from './perform.ts';
import { explain } from './plan/explain.ts';
import { buffer, call, plan, pointer } from './plan/index.ts';
import { ownHardLimits, parseHardLimits, rlimitSteps } from './rlimits.ts';

const NOFILE = 7;
const CORE = 4;
const said = (limits: Parameters<typeof rlimitSteps>[0], ceiling?: bigint[]) =>
  explain(plan('limits', rlimitSteps(limits, ceiling).steps)).map(({ call }) => call);

test('rlimitSteps sets what the config says when nothing holds it back', () => {
  const limits = [
    { type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 },
    { type: 'RLIMIT_CORE', soft: 0, hard: 2 ** 64 },
    { type: 'RLIMIT_STACK', soft: -1, hard: -1 },
  ];
  expect(said(limits)).toEqual([
    'prlimit64(0, 7, {1024, 4096}, 0)',
    'prlimit64(0, 4, {0, unlimited}, 0)',
    'prlimit64(0, 3, {unlimited, unlimited}, 0)',
  ]);
  expect(rlimitSteps(limits, undefined).warnings).toEqual([]);
});

test('rlimitSteps lowers to the ceiling, and warns of that limit alone', () => {
  const ceiling = Array.from({ length: 16 }, () => 2000n);
  const limits = [
    { type: 'RLIMIT_NOFILE', soft: 3000, hard: 4000 },
    { type: 'RLIMIT_CORE', soft: 1, hard: 2000 },
    { type: 'RLIMIT_NPROC', soft: 5, hard: -1 },
  ];
  expect(said(limits, ceiling)).toEqual([
    'prlimit64(0, 7, {2000, 2000}, 0)',
    'prlimit64(0, 4, {1, 2000}, 0)',
    'prlimit64(0, 6, {5, 2000}, 0)',
  ]);
  expect(rlimitSteps(limits, ceiling).warnings).toEqual([
    'RLIMIT_NOFILE is 2000 and not 4000: raising it needs CAP_SYS_RESOURCE',
    'RLIMIT_NPROC is 2000 and not unlimited: raising it needs CAP_SYS_RESOURCE',
  ]);
});

test.each([
  ["unknown limit 'RLIMIT_LOVE'", [{ type: 'RLIMIT_LOVE', soft: 1, hard: 1 }]],
  [
    "'RLIMIT_CORE' is given twice",
    [
      { type: 'RLIMIT_CORE', soft: 1, hard: 1 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 1 },
    ],
  ],
  [
    "'RLIMIT_CORE' has a soft limit above its hard one",
    [{ type: 'RLIMIT_CORE', soft: -1, hard: 1 }],
  ],
])('rlimitSteps refuses: %s', (message, limits) => {
  expect(() => rlimitSteps(limits, undefined)).toThrow(message);
});

test('parseHardLimits reads the second column, also of names with spaces', () => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max open files            1024                 524288               files     ',
    'Max nice priority         0                    0                    ',
  ].join('\n');
  expect(parseHardLimits(text)).toEqual([0xffff_ffff_ffff_ffffn, 524288n, 0n]);
});

test('ownHardLimits are what prlimit64 says, sixteen of them', async () => {
  const own = ownHardLimits();
  expect(own).toHaveLength(16);
  const pairs = own.map((_, number) => buffer(`limit ${number}`, 16));
  const asked = await perform(
    plan(
      'ask',
      pairs.map((pair, i) => call('prlimit64', [0, i, 0, pointer(pair)], 'what is it now?')),
    ),
  );
  const hard = pairs.map((pair) => {
    const bytes = asked.read(pair);
    return new DataView(bytes.buffer, bytes.byteOffset, 16).getBigUint64(8, true);
  });
  expect(hard).toEqual([...own]);
});

test('the kernel takes a limit above our own, once it was lowered', async () => {
  const own = ownHardLimits();
  const ceiling = own.with(NOFILE, 500n);
  const pair = buffer('limit', 16);
  const { steps } = rlimitSteps([{ type: 'RLIMIT_NOFILE', soft: 100, hard: 1e9 }], ceiling);
  const done = await perform(
    plan('limited', [
      ...rlimitSteps([{ type: 'RLIMIT_CORE', soft: 0, hard: 0 }], own).steps,
      ...steps,
      call('prlimit64', [0, NOFILE, 0, pointer(pair)], 'what is it now?'),
    ]),
  );
  expect(done.failure()).toBeUndefined();
  expect([...new BigUint64Array(done.read(pair).slice().buffer)]).toEqual([100n, 500n]);
  expect(readFileSync('/proc/self/limits', 'latin1')).not.toMatch(/open files +100 /);
  expect(ownHardLimits()[CORE]).toBe(own[CORE]);
});
