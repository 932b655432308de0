import type { DiffId } from '../../src/image/digest.ts';
import { type Image, writeImage } from '../../src/image/images.ts';
import { ARCHITECTURE } from '../../src/image/manifest.ts';
import { parseReference, withTag } from '../../src/image/reference.ts';
import { commit, prepare } from '../../src/image/snapshots.ts';
import type { Store } from '../../src/image/store.ts';
import { writeFiles } from '../../src/image/testing.ts';

/** An image of so many layers, each with one file of so many random bytes: `file-0`, `file-1`, … */
export async function imageOfLayers(
  store: Store,
  name: string,
  layers: number,
  bytes = 1000,
): Promise<Image> {
  const diffIds: DiffId[] = [];
  let parent: Parameters<typeof prepare>[1];
  for (let i = 0; i < layers; i++) {
    const active = prepare(store, parent);
    writeFiles(active.upper, { [`file-${i}`]: randomText(bytes) });
    const snapshot = await commit(store, active);
    diffIds.push(snapshot.diffId);
    parent = snapshot.chainId;
  }
  const rootfs = { type: 'layers', diff_ids: diffIds } as const;
  const config = {
    architecture: ARCHITECTURE,
    os: 'linux',
    config: {},
    history: [],
    rootfs,
  } as const;
  return writeImage(store, config, [withTag(parseReference(name))]);
}

/** Text that gzip cannot make much smaller. */
function randomText(length: number): string {
  const bytes = new Uint8Array(Math.ceil(length / 65_536) * 65_536);
  for (let at = 0; at < bytes.length; at += 65_536)
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return bytes.toBase64().slice(0, length);
}
