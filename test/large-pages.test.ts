import { expect, test } from 'bun:test';
import { openSync, readSync } from 'node:fs';
import { forLargePages } from '../bin/large-pages.ts';

const LARGE = 2 ** 21;

/** Type, place in the file, address and size of each segment. Source: elf(5). */
function segmentsOf(elf: Uint8Array) {
  const view = new DataView(elf.buffer, elf.byteOffset);
  const first = Number(view.getBigUint64(32, true));
  return Array.from({ length: view.getUint16(56, true) }, (_, i) => {
    const number = (at: number) => Number(view.getBigUint64(first + i * 56 + at, true));
    const type = view.getUint32(first + i * 56, true);
    return { type, offset: number(8), address: number(16), size: number(32) };
  });
}

const LOAD = 1;
const loaded = (elf: Uint8Array) => segmentsOf(elf).filter(({ type }) => type === LOAD);

test('the command can be mapped 2 MB at a time', () => {
  const head = new Uint8Array(4096);
  readSync(openSync('.cache/bundle/cloche', 'r'), head);
  expect(loaded(head).length).toBeGreaterThan(1);
  for (const { offset, address } of loaded(head)) expect((address - offset) % LARGE).toBe(0);
});

test('every segment keeps its bytes and its address, those inside of others too', async () => {
  const before = new Uint8Array(await Bun.file('node_modules/bun/bin/bun.exe').arrayBuffer());
  const after = forLargePages(before);
  const bytes = (elf: Uint8Array, { offset, size }: { offset: number; size: number }) =>
    Bun.hash(elf.subarray(offset, offset + size));
  // The first has the headers in it, which are what changes.
  const [was, is] = [segmentsOf(before).slice(1), segmentsOf(after).slice(1)];
  const others = was
    .map((segment, i) => [segment, is[i]] as const)
    .filter(([{ offset }]) => offset > 4096);
  expect(others.length).toBeGreaterThan(3);
  for (const [old, now] of others) {
    if (now === undefined) throw new Error('a segment is lost');
    expect(now.address).toBe(old.address);
    expect(bytes(after, now)).toBe(bytes(before, old));
  }
});

test('a program whose headers would have to move stays as it is', () => {
  const elf = new Uint8Array(200);
  const view = new DataView(elf.buffer);
  view.setBigUint64(32, 64n, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, LOAD, true);
  view.setBigUint64(64 + 16, 0x1000n, true);
  view.setBigUint64(64 + 32, 200n, true);
  expect(forLargePages(elf)).toBe(elf);
});
