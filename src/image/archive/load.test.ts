import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, rmSync } from 'node:fs';
import { digestOf } from '../digest.ts';
import { entry, inPieces, tar } from '../layer/testing.ts';
import type { Manifest } from '../manifest.ts';
import { findSnapshot } from '../snapshots.ts';
import { blobPath, readJson, type Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { loadImages } from './index.ts';

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

/** Docker's old form: the layer is a plain tar, of which only its own digest is known. */
const LAYER = tar(entry({ path: 'etc/motd' }, 'hello'));
const CONFIG = JSON.stringify({
  ...{ architecture: 'amd64', os: 'linux', config: {} },
  rootfs: { type: 'layers', diff_ids: [digestOf(LAYER)] },
});
const ARCHIVE = tar(
  entry({ path: 'c.json' }, CONFIG),
  entry({ path: 'l/layer.tar' }, LAYER.toString('latin1')),
  entry({ path: 'manifest.json' }, '[{"Config":"c.json","Layers":["l/layer.tar"]}]'),
);

async function load() {
  const [loaded] = await loadImages(store, inPieces(ARCHIVE, 5000));
  if (loaded?.image.chainId === undefined) throw new Error('no image was loaded');
  const { blob } = findSnapshot(store, loaded.image.chainId);
  const { layers } = readJson<Manifest>(store, loaded.image.manifest);
  return { chain: loaded.image.chainId, blob, layers };
}

test('a layer whose snapshot is here without its blob is written again', async () => {
  const { blob } = await load();
  rmSync(blobPath(store, blob.digest));
  const again = await load();
  expect(again.layers).toEqual([blob]);
  expect(existsSync(blobPath(store, blob.digest))).toBe(true);
});

test('a lost blob that others had compressed is replaced by our own', async () => {
  const { chain, blob } = await load();
  const theirs = digestOf('what another program made of it');
  store.db.query('UPDATE snapshots SET blob = ?, blob_size = 7 WHERE chain = ?').run(theirs, chain);
  const again = await load();
  expect(again.blob).toEqual(blob);
  expect(again.layers).toEqual([blob]);
});
