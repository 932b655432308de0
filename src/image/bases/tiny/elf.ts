import { closeSync, openSync, readSync } from 'node:fs';

/** elf(5): what a program header describes, and what a dynamic entry says. */
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

/** Names are read this far from the beginning of the string table, in bytes. */
const NAMES = 1 << 20;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * The shared libraries that a program names itself, `libc.so.6`; empty for a static one. Of 64-bit
 * little-endian ELF only, as both architectures have. Source: elf(5).
 */
export function neededLibraries(path: string): string[] {
  const fd = openSync(path, 'r');
  try {
    const segments = segmentsOf(fd);
    const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
    if (dynamic === undefined) return [];
    const entries = dynamicEntries(readAt(fd, dynamic.offset, dynamic.size));
    const table = Number(entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0n);
    const holder = segments.find(
      ({ type, address, size }) => type === PT_LOAD && table >= address && table < address + size,
    );
    if (holder === undefined) return [];
    const names = readAt(fd, holder.offset + table - holder.address, NAMES);
    return entries
      .filter(([tag]) => tag === DT_NEEDED)
      .map(([, at]) => names.toString('latin1', Number(at), names.indexOf(0, Number(at))));
  } finally {
    closeSync(fd);
  }
}

function segmentsOf(fd: number): Segment[] {
  const header = readAt(fd, 0, 64);
  if (header.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return [];
  const size = header.readUInt16LE(54);
  const table = readAt(fd, Number(header.readBigUInt64LE(32)), size * header.readUInt16LE(56));
  return Array.from({ length: table.length / size }, (_, index) => {
    const at = index * size;
    return {
      type: table.readUInt32LE(at),
      offset: Number(table.readBigUInt64LE(at + 8)),
      address: Number(table.readBigUInt64LE(at + 16)),
      size: Number(table.readBigUInt64LE(at + 32)),
    };
  });
}

function dynamicEntries(content: Buffer): (readonly [bigint, bigint])[] {
  return Array.from({ length: Math.floor(content.length / 16) }, (_, index) => {
    return [content.readBigUInt64LE(index * 16), content.readBigUInt64LE(index * 16 + 8)] as const;
  });
}

function readAt(fd: number, offset: number, size: number): Buffer {
  const content = Buffer.alloc(size);
  return content.subarray(0, readSync(fd, content, 0, size, offset));
}
