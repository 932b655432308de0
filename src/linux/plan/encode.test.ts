import { expect, test } from 'bun:test';
import { breakStep } from './break.ts';
import { encode } from './encode.ts';
import { HEADER, HEADER_SIZE, PLAN_BASE, PLAN_MAX, STEP_SIZE } from './format.ts';
import {
  block,
  buffer,
  call,
  flags,
  jump,
  type Plan,
  pauseOn,
  plan,
  pointer,
  result,
  text,
  value,
} from './index.ts';

/** Every field of a step at once. */
const fd = result('fd');
const opens = plan('opens', [
  call('openat', [flags('AT_FDCWD'), text('/proc'), flags('O_RDONLY', 'O_CLOEXEC'), 0], 'proc', {
    save: { ...fd, width: 'i32' },
    tolerate: ['ENOENT', 'EACCES'],
    onFail: 'end',
  }),
  call('close', [{ ...fd, width: 'i32' }], 'and shut', { pause: false }),
  jump('end', 'done'),
  call('value', [0], 'the end', { label: 'end' }),
]);

function stepAt(bytes: Uint8Array, index: number): string[] {
  const at = HEADER_SIZE + index * STEP_SIZE;
  return wordsOf(bytes.subarray(at, at + STEP_SIZE));
}

function wordsOf(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, i) =>
    view.getBigUint64(i * 8, true).toString(16),
  );
}

test('the header is the magic, the first step, no failure, no times, no pause', () => {
  const { bytes } = encode(opens, 'x86_64');
  expect(new TextDecoder().decode(bytes.subarray(0, 8))).toBe('cloche01');
  const none = 'ffffffffffffffff';
  expect(wordsOf(bytes.subarray(8, 48))).toEqual(['0', none, '0', '0', none]);
  expect(bytes.subarray(48, HEADER_SIZE).every((byte) => byte === 0)).toBe(true);
});

test('a step is its 80 bytes', () => {
  const { bytes } = encode(opens, 'x86_64');
  // openat is 257; bits: may pause, 32 bits saved; failures go on at step 3; ENOENT 2, EACCES 13.
  expect(stepAt(bytes, 0)).toEqual([
    ...['50000000101', '3ffffffff', 'd02', '1000000218'],
    ...['ffffffffffffff9c', '1000000210', '80000', '0', '0', '0'],
  ]);
  // close is 3; nobody pauses here; its argument is loaded, 32 bits with sign.
  expect(stepAt(bytes, 1)).toEqual([
    ...['2000000000003', 'ffffffffffffffff', '0', '0'],
    ...['1000000218', '0', '0', '0', '0', '0'],
  ]);
  // No call; jumps always, to step 3.
  expect(stepAt(bytes, 2).slice(0, 2)).toEqual(['105ffffffff', 'ffffffff00000003']);
  // What encode adds: exit_group(0).
  expect(stepAt(bytes, 4).slice(0, 2)).toEqual(['e7', 'ffffffffffffffff']);
});

test('calls have the numbers of the architecture', () => {
  const first = (arch: 'x86_64' | 'aarch64') =>
    new DataView(encode(opens, arch).bytes.buffer).getUint32(HEADER_SIZE, true);
  expect([first('x86_64'), first('aarch64')]).toEqual([257, 56]);
});

test('flags of the same name have the numbers of the architecture', () => {
  const word = (arch: 'x86_64' | 'aarch64') => {
    const made = plan('directory', [call('openat', [flags('O_DIRECTORY')], 'why')]);
    return stepAt(encode(made, arch).bytes, 0)[4];
  };
  expect([word('x86_64'), word('aarch64')]).toEqual(['10000', '4000']);
});

test('the same plan gives the same bytes', () => {
  expect(encode(opens, 'aarch64').bytes).toEqual(encode(opens, 'aarch64').bytes);
});

test('blocks lie behind the steps, on eight bytes, and a pointer in one leads to the other', () => {
  const inner = block('inner', [Uint8Array.of(1, 2, 3)]);
  const outer = block('outer', [pointer(inner, 1), 7]);
  const made = plan('nested', [call('getpid', [pointer(outer)], 'why')]);
  const { bytes, offsetOf } = encode(made, 'x86_64');
  const [at = 0, within = 0] = [offsetOf.get(outer), offsetOf.get(inner)];
  expect([at, within]).toEqual([HEADER_SIZE + 2 * STEP_SIZE, HEADER_SIZE + 2 * STEP_SIZE + 16]);
  expect(wordsOf(bytes.subarray(at, at + 16))).toEqual([
    (PLAN_BASE + BigInt(within + 1)).toString(16),
    '7',
  ]);
  expect([...bytes.subarray(within)]).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
});

test('times lie behind everything, 32 bytes a step and the end', () => {
  const plain = encode(opens, 'x86_64');
  const timed = encode(opens, 'x86_64', { time: true });
  pauseOn(timed, 5);
  const header = new DataView(timed.bytes.buffer);
  expect(timed.timesAt).toBe(plain.bytes.length);
  expect(timed.bytes.length - plain.bytes.length).toBe(5 * 32);
  expect(header.getBigUint64(HEADER.times, true)).toBe(PLAN_BASE + BigInt(plain.bytes.length));
  expect(header.getBigInt64(HEADER.pause, true)).toBe(5n);
});

const getpid = call('getpid', [], 'why');

test.each<[string, Plan, string]>([
  ['a jump to nowhere', plan('p', [jump('away', 'why')]), "goes to 'away', which labels no step"],
  [
    'a failure that goes nowhere',
    plan('p', [{ ...getpid, onFail: { name: 'cleanup' } }]),
    "getpid goes to 'cleanup', which labels no step",
  ],
  [
    'a target that is nowhere',
    plan('p', [call('value', [{ kind: 'target', label: 'init' }], 'why')]),
    "value goes to 'init', which labels no step",
  ],
  [
    'a label that stands twice',
    plan('p', [
      { ...getpid, label: 'here' },
      { ...getpid, label: 'here' },
    ]),
    "two steps are labelled 'here'",
  ],
  [
    'more than the walker maps',
    plan('p', [call('getpid', [value(buffer('large', PLAN_MAX))], 'why')]),
    `${PLAN_MAX} is the most`,
  ],
])('encode refuses %s', (_, made, says) => {
  expect(() => encode(made, 'x86_64')).toThrow(
    expect.objectContaining({ code: 'PLAN_INVALID', message: expect.stringContaining(says) }),
  );
});

test('two labels of one name are two places', () => {
  const [one, two] = [{ name: 'again' }, { name: 'again' }];
  const made = plan('p', [jump(two, 'on'), { ...getpid, label: one }, { ...getpid, label: two }]);
  expect(stepAt(encode(made, 'x86_64').bytes, 0)[1]).toBe('ffffffff00000002');
});

test('a broken step keeps its place, its label and where it goes on failure', () => {
  const broken = breakStep(opens, 0, 'EPERM');
  expect(broken.steps[0]).toMatchObject({ call: 'value', args: [-1], onFail: 'end' });
  expect(broken.steps[0]?.why).toBe('EPERM on purpose, instead of openat');
  expect(broken.steps.slice(1)).toEqual(opens.steps.slice(1));
  expect(breakStep(opens, 3, 'EIO').steps[3]?.label).toBe('end');
  expect(() => breakStep(opens, 4, 'EPERM')).toThrow(RangeError);
});
