import { closeSync, openSync, readSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { ClocheError } from '../../error.ts';
import type { Store } from '../../image/index.ts';
import { decompress } from '../../image/layer/decompress.ts';
import { BLOCK } from '../../image/layer/fields.ts';
import { unpackAside } from '../../image/layer/index.ts';
import type { RawPath } from '../../image/layer/scan.ts';
import { find, walk } from '../../image/tree.ts';
import { inside, makeAll } from './destination.ts';
import { gather, type Item } from './gather.ts';
import type { Owner } from './owner.ts';
import { dressOf, type PlaceOptions, placeFile } from './place.ts';

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
 * Unpacks an archive into the directory `target`, as tar(1) does it in the image: a directory that the archive
 * describes is made so, and takes the place of a link or a file; through one that it only implies, links of
 * the image are followed, inside of it. Owners and modes stay, unless `options` has an owner.
 *
 * @throws {ClocheError} as `unpackAside` and `place`
 */
export async function placeArchive(
  store: Store,
  host: Buffer,
  target: RawPath,
  options: PlaceOptions,
): Promise<void> {
  const { tree, implied, close } = await unpackAside(store, pieces(host), {
    signal: options.signal,
  });
  try {
    const node = find(tree, '');
    const sources = node === undefined ? [] : [{ node, name: '', pivot: 0 }];
    for (const { items } of await gather(tree, sources, { xattrs: true }))
      await placeAll(items, implied, target, options);
  } finally {
    close();
  }
}

async function placeAll(
  [_, ...items]: readonly Item[],
  implied: ReadonlySet<RawPath>,
  target: RawPath,
  options: PlaceOptions,
): Promise<void> {
  const { tree, into, owner = ROOT } = options;
  const firstNames = new Map<RawPath, RawPath>();
  // Where each directory of the archive has come to lie.
  const places = new Map<RawPath, RawPath>([['', makeAll(into, walk(tree, target), owner)]]);
  let count = 0;
  for (const item of items) {
    const { relative } = item;
    const slash = relative.lastIndexOf('/');
    const parent = places.get(relative.slice(0, Math.max(slash, 0))) ?? '';
    const path = inside(parent, relative.slice(slash + 1));
    if (item.node.kind !== 'directory')
      await placeFile(path, item, firstNames, { ...options, replacesDirectories: true });
    else if (implied.has(relative)) places.set(relative, makeAll(into, walk(tree, path), owner));
    else places.set(relative, describedDirectory(path, item, options));
    // Ctrl-C is heard only between pieces of work.
    if (++count % 256 === 0) await breathe();
    options.signal?.throwIfAborted();
  }
}

function describedDirectory(path: RawPath, item: Item, options: PlaceOptions): RawPath {
  const { into } = options;
  const there = into.at(path);
  const dress = dressOf(item, options);
  if (there?.kind === 'directory') into.dressDirectory(path, dress);
  else {
    if (there !== undefined) into.makeRoom(path);
    into.makeDirectory(path, dress);
  }
  return path;
}

const ROOT: Owner = { uid: 0, gid: 0 };

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
