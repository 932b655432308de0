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
    const content = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
    writeFiles(active.upper, { [`file-${i}`]: randomText(content, bytes) });
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
function randomText(seed: string, length: number): string {
  let text = seed;
  while (text.length < length) text += Bun.hash(text.slice(-64) + text.length).toString(36);
  return text.slice(0, length);
}
