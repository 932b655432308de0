import { closeSync, openSync, readSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import type { Store } from '../../image/index.ts';
import { decompress } from '../../image/layer/decompress.ts';
import { BLOCK } from '../../image/layer/fields.ts';
import { unpackAside } from '../../image/layer/index.ts';
import type { RawPath } from '../../image/layer/scan.ts';
import { find } from '../../image/tree.ts';
import { gather } from './gather.ts';
import { type PlaceOptions, place } from './place.ts';

/**
 * Whether a file is a tar archive, compressed in whichever way; its name is not asked.
 *
 * @throws {ClocheError} `COMPRESSION_UNSUPPORTED`: the program that reads it is not installed
 */
export async function isArchive(host: Buffer): Promise<boolean> {
  const file = pieces(host);
  try {
    let first = Buffer.alloc(0);
    for await (const piece of decompress(file, { programs: true })) {
      first = Buffer.concat([first, piece]);
      if (first.length >= BLOCK) return isHeader(first.subarray(0, BLOCK));
    }
    return false;
  } catch (error) {
    // Without the program nobody knows what it is, and a guess would be a wrong image.
    if (error instanceof ClocheError && error.code === 'COMPRESSION_UNSUPPORTED') throw error;
    // Damaged, or only beginning like a compressed file: it is then copied as it is.
    return false;
  } finally {
    await file.return(undefined);
  }
}

/**
 * Unpacks an archive into the directory `target`. Its owners and modes stay, unless `options` has an
 * owner.
 *
 * @throws {ClocheError} as `unpackAside` and `place`
 */
export async function placeArchive(
  store: Store,
  host: Buffer,
  target: RawPath,
  options: PlaceOptions,
): Promise<void> {
  const { tree, close } = await unpackAside(store, pieces(host), {
    signal: options.signal,
  });
  try {
    const node = find(tree, '');
    const sources = node === undefined ? [] : [{ node, name: '', pivot: 0 }];
    for (const all of await gather(tree, sources, { xattrs: true }))
      await place(all, target, options);
  } finally {
    close();
  }
}

/** A file's bytes; Bun's streams take no path that is not UTF-8. */
async function* pieces(host: Buffer): AsyncGenerator<Buffer> {
  const fd = openSync(host, 'r');
  try {
    for (;;) {
      const piece = Buffer.allocUnsafe(1 << 18);
      const count = readSync(fd, piece);
      if (count === 0) return;
      yield piece.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
}

/** Every tar header has the sum of its bytes, its own field counted as spaces. */
function isHeader(block: Buffer): boolean {
  const said = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]+$/, ''), 8);
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  return said === sum;
}
