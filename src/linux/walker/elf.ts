import type { Arch } from '../abi/arch.ts';
import { aarch64 } from './aarch64.ts';
import { walkerProgram } from './program.ts';
import { x86_64 } from './x86-64.ts';

/** Where the walker's file is loaded, headers included. */
export const WALKER_BASE = 0x40_0000;
const HEADERS = 64 + 2 * 56;

/**
 * The walker as a static executable: an ELF header, two program headers (the code; a stack that is
 * not executable), the code. No sections, no symbols, no interpreter. Source: elf(5).
 */
export function walkerFile(arch: Arch): Uint8Array {
  const code = walkerProgram(arch === 'x86_64' ? x86_64 : aarch64, arch);
  const file = new Uint8Array(HEADERS + code.length);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64 bits, little-endian, version 1
  view.setUint16(16, 2, true); // e_type ET_EXEC
  view.setUint16(18, arch === 'x86_64' ? 62 : 183, true); // e_machine
  view.setUint32(20, 1, true); // e_version
  view.setBigUint64(24, BigInt(WALKER_BASE + HEADERS), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(52, 64, true); // e_ehsize
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 2, true); // e_phnum
  programHeader(view, 64, { type: 1, flags: 5, address: WALKER_BASE, size: file.length }); // PT_LOAD r-x
  programHeader(view, 120, { type: 0x6474e551, flags: 6, address: 0, size: 0 }); // PT_GNU_STACK rw-
  file.set(code, HEADERS);
  return file;
}

interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly address: number;
  readonly size: number;
}

function programHeader(view: DataView, at: number, header: ProgramHeader) {
  view.setUint32(at, header.type, true);
  view.setUint32(at + 4, header.flags, true);
  view.setBigUint64(at + 16, BigInt(header.address), true); // p_vaddr
  view.setBigUint64(at + 24, BigInt(header.address), true); // p_paddr
  view.setBigUint64(at + 32, BigInt(header.size), true); // p_filesz
  view.setBigUint64(at + 40, BigInt(header.size), true); // p_memsz
  view.setBigUint64(at + 48, 0x10000n, true); // p_align: fits arm64's 64 KB pages too
}
