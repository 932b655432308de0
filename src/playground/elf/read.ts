import { ClocheError } from '../../error.ts';

/** What the kernel and the dynamic loader look at before a program's first instruction runs. */
export interface Elf {
  /** 32 or 64 bits. */
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  /** `e_machine`, e.g. 62 for x86-64, 183 for arm64. */
  readonly machine: number;
  /** PT_INTERP: the loader that the kernel starts in the program's place; static programs have none. */
  readonly interpreter: string | undefined;
  /** DT_NEEDED, in order: names of libraries, or paths where they hold a slash. */
  readonly needed: readonly string[];
  /** DT_SONAME: the name under which a library counts as loaded. */
  readonly soname: string | undefined;
  /** DT_RPATH, split at colons; ignored by the loader where DT_RUNPATH is given. */
  readonly rpath: readonly string[];
  /** DT_RUNPATH, split at colons; holds for this object's own NEEDED only. */
  readonly runpath: readonly string[];
}

/**
 * Reads the parts of an ELF file that say what else it needs. Pure.
 *
 * @throws {ClocheError} `NOT_ELF` (no magic number), `BAD_ELF` (an offset points out of the file).
 * Source: elf(5), ld.so(8).
 */
export function readElf(file: Uint8Array): Elf {
  if (!isElf(file)) {
    throw new ClocheError('NOT_ELF', 'the file does not begin with "\\x7fELF"', {
      class: 'invalid-argument',
    });
  }
  try {
    return read(new Image(file));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ClocheError('BAD_ELF', 'the ELF file is cut off or points outside itself', {
      class: 'invalid-argument',
      cause,
    });
  }
}

export function isElf(file: Uint8Array): boolean {
  return file[0] === 0x7f && file[1] === 0x45 && file[2] === 0x4c && file[3] === 0x46;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0n;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const DT_SONAME = 14n;
const DT_RPATH = 15n;
const DT_RUNPATH = 29n;

function read(image: Image): Elf {
  const segments = image.segments();
  const interp = segments.find((segment) => segment.type === PT_INTERP);
  const entries = image.dynamic(segments);
  const names = entries.find(([tag]) => tag === DT_STRTAB)?.[1];
  const table = names === undefined ? 0 : image.offsetOf(names, segments);
  const all = (wanted: bigint): string[] =>
    entries.filter(([tag]) => tag === wanted).map(([, name]) => image.string(table + Number(name)));
  return {
    bits: image.bits,
    littleEndian: image.littleEndian,
    machine: image.u16(18),
    interpreter: interp === undefined ? undefined : image.string(interp.offset),
    needed: all(DT_NEEDED),
    soname: all(DT_SONAME)[0],
    rpath: all(DT_RPATH).flatMap(paths),
    runpath: all(DT_RUNPATH).flatMap(paths),
  };
}

function paths(list: string): string[] {
  return list.split(':').filter((path) => path !== '');
}

interface Segment {
  readonly type: number;
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly address: bigint;
  /** Bytes in the file. */
  readonly size: number;
}

/** An ELF file under a cursor that knows its class and byte order. Everything throws RangeError. */
class Image {
  readonly bits: 32 | 64;
  readonly littleEndian: boolean;
  private readonly view: DataView;
  private readonly file: Uint8Array;

  constructor(file: Uint8Array) {
    this.file = file;
    this.view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    this.bits = this.view.getUint8(4) === 1 ? 32 : 64;
    this.littleEndian = this.view.getUint8(5) === 1;
  }

  u16(at: number): number {
    return this.view.getUint16(at, this.littleEndian);
  }

  u32(at: number): number {
    return this.view.getUint32(at, this.littleEndian);
  }

  /** A word of the file's class: an address, an offset or a size. */
  word(at: number): bigint {
    return this.bits === 64 ? this.view.getBigUint64(at, this.littleEndian) : BigInt(this.u32(at));
  }

  string(at: number): string {
    const end = this.file.indexOf(0, at);
    if (at > this.file.length || end < 0) throw new RangeError(`no string at ${at}`);
    return new TextDecoder().decode(this.file.subarray(at, end));
  }

  /** The program headers: Elf64_Phdr and Elf32_Phdr order their fields differently. */
  segments(): Segment[] {
    const wide = this.bits === 64;
    const table = Number(this.word(wide ? 32 : 28));
    const size = this.u16(wide ? 54 : 42);
    const count = this.u16(wide ? 56 : 44);
    return Array.from({ length: count }, (_, index) => {
      const at = table + index * size;
      return {
        type: this.u32(at),
        offset: Number(this.word(at + (wide ? 8 : 4))),
        address: this.word(at + (wide ? 16 : 8)),
        size: Number(this.word(at + (wide ? 32 : 16))),
      };
    });
  }

  /** The entries of PT_DYNAMIC, up to DT_NULL; none in a static program. */
  dynamic(segments: readonly Segment[]): [tag: bigint, value: bigint][] {
    const segment = segments.find(({ type }) => type === PT_DYNAMIC);
    if (segment === undefined) return [];
    const word = this.bits / 8;
    const entries: [bigint, bigint][] = [];
    for (let at = segment.offset; at < segment.offset + segment.size; at += 2 * word) {
      const tag = this.word(at);
      if (tag === DT_NULL) break;
      entries.push([tag, this.word(at + word)]);
    }
    return entries;
  }

  /** Where in the file the byte lies that is loaded at `address`. */
  offsetOf(address: bigint, segments: readonly Segment[]): number {
    for (const segment of segments) {
      const inside = address - segment.address;
      if (segment.type === PT_LOAD && inside >= 0n && inside < BigInt(segment.size))
        return segment.offset + Number(inside);
    }
    throw new RangeError(`no segment holds address ${address}`);
  }
}
