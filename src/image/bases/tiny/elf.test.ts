import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { neededLibraries } from './elf.ts';

/** An ELF of three program headers' room: what it loads, its dynamic entries, its names. */
function elf(needed: readonly string[]): Buffer {
  const image = Buffer.alloc(0x2000);
  image.write('\x7fELF\x02\x01', 'latin1');
  image.writeBigUInt64LE(64n, 32);
  image.writeUInt16LE(56, 54);
  image.writeUInt16LE(needed.length === 0 ? 1 : 2, 56);
  const segment = (at: number, type: number, offset: number, address: number, size: number) => {
    image.writeUInt32LE(type, at);
    for (const [index, value] of [offset, address, address, size, size].entries())
      image.writeBigUInt64LE(BigInt(value), at + 8 + 8 * index);
  };
  segment(64, 1, 0x1000, 0x401000, 0x1000);
  segment(120, 2, 0x800, 0x400800, 16 * (needed.length + 1));
  let name = 1;
  for (const [index, library] of needed.entries()) {
    image.writeBigUInt64LE(1n, 0x800 + 16 * index);
    image.writeBigUInt64LE(BigInt(name), 0x808 + 16 * index);
    name += image.write(`${library}\0`, 0x1100 + name, 'latin1');
  }
  image.writeBigUInt64LE(5n, 0x800 + 16 * needed.length);
  image.writeBigUInt64LE(0x401100n, 0x808 + 16 * needed.length);
  return image;
}

test.each([
  [
    'a program with libraries',
    elf(['libc.so.6', 'libatomic.so.1']),
    ['libc.so.6', 'libatomic.so.1'],
  ],
  ['a static program', elf([]), []],
  ['a script', Buffer.from('#!/bin/sh\n'), []],
])('%s names what it needs', (_, content, needed) => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-elf-'));
  writeFileSync(join(directory, 'program'), content);
  expect(neededLibraries(join(directory, 'program'))).toEqual(needed);
  rmSync(directory, { recursive: true });
});

test('a program of this machine needs its libc', () => {
  expect(neededLibraries(process.execPath)).toContain('libc.so.6');
});
