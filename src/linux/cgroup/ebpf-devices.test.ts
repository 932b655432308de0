import { expect, test } from 'bun:test';
import { numbered } from './devices-v1.ts';
import { deviceProgram } from './ebpf-devices.ts';
import type { DeviceRule } from './resources.ts';

interface Request {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

/** What the rules mean, in the plainest words: for each access the last rule that fits decides. */
function allowed(rules: readonly DeviceRule[], request: Request): boolean {
  const fits = (wanted: number, given: number) => wanted === -1 || wanted === given;
  return [...request.access].every((letter) => {
    const last = rules
      .flatMap(numbered)
      .findLast(
        ({ type, major, minor, access }) =>
          (type === 'a' || type === request.type) &&
          fits(major, request.major) &&
          fits(minor, request.minor) &&
          access.includes(letter),
      );
    return last?.allow ?? true;
  });
}

/** Runs the program as the kernel would, for the few instructions that it consists of. */
function ask(program: Uint8Array, request: Request): boolean {
  const view = new DataView(program.buffer);
  const bits = [...request.access].reduce((sum, a) => sum | ({ m: 1, r: 2, w: 4 }[a] ?? 0), 0);
  const context = [(bits << 16) | (request.type === 'b' ? 1 : 2), request.major, request.minor];
  const r = [0n, 0n, 0n, 0n, 0n, 0n];
  const wide = (number: bigint) => BigInt.asUintN(64, number);
  const low = (number: bigint) => BigInt.asUintN(32, number);
  for (let pc = 0; ; pc++) {
    const op = view.getUint8(pc * 8);
    const dst = view.getUint8(pc * 8 + 1) & 15;
    const from = r[view.getUint8(pc * 8 + 1) >> 4] ?? 0n;
    const offset = view.getInt16(pc * 8 + 2, true);
    const immediate = BigInt(view.getInt32(pc * 8 + 4, true));
    const value = r[dst] ?? 0n;
    if (op === 0x61) r[dst] = BigInt(context[offset / 4] ?? 0);
    else if (op === 0xbf) r[dst] = from;
    else if (op === 0xb7) r[dst] = wide(immediate);
    else if (op === 0x67) r[dst] = wide(value << immediate);
    else if (op === 0x4f) r[dst] = value | from;
    else if (op === 0x54) r[dst] = low(value & immediate);
    else if (op === 0x74) r[dst] = low(value) >> immediate;
    else if (op === 0x18) {
      pc++;
      r[dst] = low(immediate) | (BigInt(view.getUint32(pc * 8 + 4, true)) << 32n);
    } else if (op === 0x55) pc += value === wide(immediate) ? 0 : offset;
    else if (op === 0x56) pc += low(value) === low(immediate) ? 0 : offset;
    else if (op === 0x5d) pc += value === from ? 0 : offset;
    else if (op === 0x45) pc += (value & wide(immediate)) === 0n ? 0 : offset;
    else if (op === 0x05) pc += offset;
    else if (op === 0x95) return r[0] === 1n;
    else throw new Error(`instruction 0x${op.toString(16)} at ${pc}`);
  }
}

/** Every kind of rule and request over two types, three numbers and all accesses. */
const ACCESSES = ['r', 'w', 'm', 'rw', 'rwm'];
const REQUESTS: Request[] = (['b', 'c'] as const).flatMap((type) =>
  [1, 5].flatMap((major) =>
    [3, 4, 0xffff_ffff].flatMap((minor) =>
      ACCESSES.map((access) => ({ type, major, minor, access })),
    ),
  ),
);

test('four hundred rule lists decide as their plain meaning does', () => {
  let seed = 42;
  const pick = <T>(from: readonly T[]): T => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return from[Math.floor((seed / 2147483648) * from.length)] as T;
  };
  const verdicts = new Set<boolean>();
  for (let round = 0; round < 400; round++) {
    const rules = Array.from({ length: pick([0, 1, 2, 3, 4, 5]) }, () => ({
      allow: pick([true, false]),
      type: pick(['a', 'b', 'c', 'u', undefined] as const),
      major: pick([1, 5, 2 ** 20 + 1, -1, undefined]),
      minor: pick([3, 4, 0xffff_ffff, -1, undefined]),
      access: pick([...ACCESSES, undefined]),
    }));
    const program = deviceProgram(rules);
    for (const request of REQUESTS) {
      const verdict = allowed(rules, request);
      verdicts.add(verdict);
      if (ask(program, request) !== verdict)
        throw new Error(`${JSON.stringify({ rules, request })} should be ${verdict}`);
    }
  }
  expect(verdicts.size).toBe(2);
});

test('the program for "nothing but /dev/null", byte by byte', () => {
  const rules = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }] as const;
  const lines = Buffer.from(deviceProgram(rules)).toString('hex').match(/.{16}/g);
  expect(lines).toEqual([
    '6112000000000000', // r2 = *(u32 *)(r1 + 0)
    'bf23000000000000', // r3 = r2
    '54020000ffff0000', // w2 &= 0xffff
    '7403000010000000', // w3 >>= 16
    '6114040000000000', // r4 = *(u32 *)(r1 + 4)
    '6115080000000000', // r5 = *(u32 *)(r1 + 8)
    'bf20000000000000', // r0 = r2
    '6700000014000000', // r0 <<= 20
    '4f04000000000000', // r4 |= r0
    'bf40000000000000', // r0 = r4
    '6700000020000000', // r0 <<= 32
    '4f05000000000000', // r5 |= r0
    '1800000003000000', // r0 = 2 << 52 | 1 << 32 | 3, low half
    '0000000001002000', // and high half
    '5d05020000000000', // if r5 != r0 goto +2
    'b700000001000000', // r0 = 1
    '9500000000000000', // exit
    'b700000000000000', // r0 = 0
    '9500000000000000', // exit
  ]);
});

test('what stands before a rule for everything is left out', () => {
  const everything = [{ allow: true }];
  const useless = [{ allow: false, type: 'c', major: 9 }, { allow: true }] as const;
  expect(deviceProgram(useless)).toEqual(deviceProgram(everything));
});
