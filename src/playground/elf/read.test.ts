import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { readElf } from './read.ts';
import { elfFile } from './synthetic.ts';

/** What the dynamic loader itself says that `path` needs: LD_DEBUG in ld.so(8). */
function neededByLoader(path: string): string[] {
  const traced = Bun.spawnSync([path, '--version'], {
    env: { LD_DEBUG: 'files', LD_BIND_NOW: '1' },
  });
  const lines = traced.stderr.toString().matchAll(/file=(\S+) \[0\]; {2}needed by (\S+) /g);
  return [...lines].filter(([, , by]) => by === path).map(([, name = '']) => name);
}

for (const path of ['/bin/bash', '/bin/ls', '/usr/bin/apt', '/usr/bin/perl']) {
  test(`${path} needs what the loader says that it needs`, () => {
    const elf = readElf(readFileSync(path));
    // The loader names what it has loaded already for nobody a second time.
    expect(neededByLoader(path)).toEqual([...elf.needed]);
    expect(existsSync(elf.interpreter ?? '')).toBe(true);
  });
}

test('an arm64 file gives its machine, loader and libraries', () => {
  const elf = readElf(
    elfFile({
      machine: 183,
      interpreter: '/lib/ld-linux-aarch64.so.1',
      needed: ['libc.so.6', 'libm.so.6'],
      runpath: '$ORIGIN/../lib:/opt/lib',
    }),
  );
  expect(elf).toMatchObject({
    bits: 64,
    machine: 183,
    interpreter: '/lib/ld-linux-aarch64.so.1',
    needed: ['libc.so.6', 'libm.so.6'],
    runpath: ['$ORIGIN/../lib', '/opt/lib'],
  });
});

test('a big-endian file of 32 bits is read in its own order', () => {
  const elf = readElf(
    elfFile({ machine: 8, bits: 32, littleEndian: false, needed: ['libc.so.6'], rpath: '/a:/b' }),
  );
  expect(elf).toMatchObject({
    bits: 32,
    littleEndian: false,
    machine: 8,
    needed: ['libc.so.6'],
    rpath: ['/a', '/b'],
  });
});

test('a script is not an ELF file', () => {
  const script = new TextEncoder().encode('#!/bin/sh\necho no\n');
  expect(() => readElf(script)).toThrow(
    expect.objectContaining({ code: 'NOT_ELF' } satisfies Partial<ClocheError>),
  );
});

test('a file cut off anywhere is an error and never garbage', () => {
  const whole = elfFile({ machine: 62, interpreter: '/lib64/ld.so', needed: ['libc.so.6'] });
  for (let length = 4; length < whole.length; length++) {
    try {
      readElf(whole.subarray(0, length));
      throw new Error(`${length} of ${whole.length} bytes were read without complaint`);
    } catch (error) {
      expect(error).toBeInstanceOf(ClocheError);
      expect(error).toMatchObject({ code: 'BAD_ELF' });
    }
  }
});
