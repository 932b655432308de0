/** What a made-up ELF file shall say; for tests, and for architectures whose files are not at hand. */
export interface ElfWish {
  readonly machine: number;
  readonly bits?: 32 | 64;
  readonly littleEndian?: boolean;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly rpath?: string;
  readonly runpath?: string;
}

/**
 * The smallest ELF file that says `wish`: header, three program headers (PT_LOAD over the whole
 * file at 0x10000, PT_INTERP, PT_DYNAMIC), the dynamic section, the strings. It cannot be run.
 */
export function elfFile(wish: ElfWish): Uint8Array {
  const wide = wish.bits !== 32;
  const word = wide ? 8 : 4;
  const header = wide ? 64 : 52;
  const segment = wide ? 56 : 32;
  const strings = new Strings();
  const entries: [tag: number, value: number][] = [
    ...(wish.needed ?? []).map((name): [number, number] => [1, strings.add(name)]),
    ...(wish.soname === undefined ? [] : [[14, strings.add(wish.soname)] as [number, number]]),
    ...(wish.rpath === undefined ? [] : [[15, strings.add(wish.rpath)] as [number, number]]),
    ...(wish.runpath === undefined ? [] : [[29, strings.add(wish.runpath)] as [number, number]]),
  ];
  const interp = wish.interpreter === undefined ? undefined : strings.add(wish.interpreter);
  const dynamicAt = header + 3 * segment;
  const dynamicSize = (entries.length + 2) * 2 * word;
  const stringsAt = dynamicAt + dynamicSize;
  entries.push([5, BASE + stringsAt], [0, 0]);
  const size = stringsAt + strings.size;
  const out = new Writer(size, wide, wish.littleEndian ?? true);
  out.header(wish.machine, header, segment);
  out.segment(1, 0, size);
  out.segment(
    interp === undefined ? 0 : 3,
    stringsAt + (interp ?? 0),
    strings.size - (interp ?? 0),
  );
  out.segment(2, dynamicAt, dynamicSize);
  for (const value of entries.flat()) out.word(value);
  return out.end(strings.bytes());
}

const BASE = 0x10000;

class Strings {
  private content = '\0';

  add(text: string): number {
    const at = this.content.length;
    this.content += `${text}\0`;
    return at;
  }

  get size(): number {
    return this.content.length;
  }

  bytes(): Uint8Array {
    return new TextEncoder().encode(this.content);
  }
}

class Writer {
  private at = 0;
  private readonly file: Uint8Array;
  private readonly view: DataView;
  private readonly wide: boolean;
  private readonly little: boolean;

  constructor(size: number, wide: boolean, little: boolean) {
    this.file = new Uint8Array(size);
    this.view = new DataView(this.file.buffer);
    this.wide = wide;
    this.little = little;
  }

  header(machine: number, size: number, segment: number): void {
    this.file.set([0x7f, 0x45, 0x4c, 0x46, this.wide ? 2 : 1, this.little ? 1 : 2, 1]);
    this.at = 16;
    for (const half of [3, machine]) this.half(half);
    this.int(1);
    for (const word of [0, size, 0]) this.word(word);
    this.int(0);
    for (const half of [size, segment, 3, 0, 0, 0]) this.half(half);
  }

  segment(type: number, offset: number, size: number): void {
    this.int(type);
    if (this.wide) this.int(4);
    for (const word of [offset, BASE + offset, BASE + offset, size, size]) this.word(word);
    if (!this.wide) this.int(4);
    this.word(1);
  }

  half(value: number): void {
    this.view.setUint16(this.at, value, this.little);
    this.at += 2;
  }

  int(value: number): void {
    this.view.setUint32(this.at, value, this.little);
    this.at += 4;
  }

  word(value: number): void {
    if (this.wide) this.view.setBigUint64(this.at, BigInt(value), this.little);
    else this.view.setUint32(this.at, value, this.little);
    this.at += this.wide ? 8 : 4;
  }

  end(tail: Uint8Array): Uint8Array {
    this.file.set(tail, this.at);
    return this.file;
  }
}
