import { afterEach, beforeEach, expect, test } from 'bun:test';
import { createReadStream, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import type { Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { children, find, readNode } from '../tree.ts';
import { unpackAside } from './aside.ts';
import { contents, entry, inPieces, symlink, tar } from './testing.ts';

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

const ARCHIVE = tar(
  entry({ path: 'app/.wh.x', uid: 5 }, 'a file'),
  symlink('etc', '/app'),
  entry({ path: '.wh..wh..opq' }, 'x'.repeat(300_000)),
);

test.each(['cat', 'gzip', 'zstd', 'xz', 'bzip2'])('an archive through %s', async (program) => {
  const packed = Buffer.from(await $`${program} < ${ARCHIVE}`.quiet().arrayBuffer());
  const { tree, close } = await unpackAside(store, inPieces(packed, 700));
  const root = find(tree, '');
  const names = root === undefined ? [] : children(tree, root).map(({ path }) => path);
  expect(names).toEqual(['.wh..wh..opq', 'app', 'etc']);
  const file = find(tree, 'etc/.wh.x');
  expect(file?.stat.uid).toBe(5n);
  expect(file === undefined ? '' : readNode(tree, file).toString()).toBe('a file');
  close();
  expect(contents(store)).toEqual([]);
});

test.each(['gzip', 'xz', 'bzip2'])(
  'what %s packed and somebody broke is refused',
  async (program) => {
    const packed = Buffer.from(await $`${program} < ${ARCHIVE}`.quiet().arrayBuffer());
    packed[packed.length >> 1] = (packed[packed.length >> 1] ?? 0) ^ 0xff;
    for (const broken of [packed, packed.subarray(0, packed.length - 20)])
      await expect(unpackAside(store, inPieces(broken, 100))).rejects.toMatchObject({
        code: 'LAYER_INVALID',
      });
    expect(contents(store)).toEqual([]);
  },
);

test('a file that was only begun to be read is let go of', async () => {
  const path = join(store.root, 'archive');
  writeFileSync(path, Buffer.concat([ARCHIVE.subarray(0, 512), Buffer.alloc(3 << 20, 1)]));
  const open = () => readdirSync('/proc/self/fd').length;
  await expect(unpackAside(store, createReadStream(path))).rejects.toThrow();
  const before = open();
  for (let i = 0; i < 5; i++)
    await expect(unpackAside(store, createReadStream(path))).rejects.toThrow('wrong checksum');
  await Bun.sleep(50);
  expect(open()).toBeLessThanOrEqual(before);
});

test('what stops the sender stops the unpacking', async () => {
  const stop = new AbortController();
  const unpacking = unpackAside(store, inPieces(ARCHIVE, 1000), {
    signal: stop.signal,
    onProgress: (bytes) => bytes > 5000 && stop.abort(new Error('enough')),
  });
  await expect(unpacking).rejects.toThrow('enough');
  expect(contents(store)).toEqual([]);
});
