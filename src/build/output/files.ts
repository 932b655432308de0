import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ChainId, find, type Store, temporaryPath, treeOf } from '../../image/index.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { gather } from '../copy/gather.ts';
import { place } from '../copy/place.ts';
import { UpperLayer } from '../copy/upper.ts';

/**
 * Writes the files of a build into a directory of the user's, over what is there; they belong to
 * whoever builds. Links that are there already lead nowhere outside of it.
 */
export async function writeFiles(
  store: Store,
  chain: ChainId | undefined,
  dest: string,
  signal: AbortSignal,
): Promise<void> {
  const directory = resolve(dest);
  mkdirSync(directory, { recursive: true });
  if (chain === undefined) return;
  const source = treeOf(store, chain);
  const root = find(source, '');
  if (root === undefined) return;
  const tree = { layers: [{ directory, opaque: [] }] };
  const upper = new UpperLayer(tree);
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const one of await gather(source, [{ node: root, name: '', pivot: 0 }], { xattrs: false }))
    await place(one, '/', { tree, into: upper, owner, mode: undefined, signal });
  await upper.finish();
}

/** The files of a build as one tar archive, in pieces. */
export async function* filesArchive(
  store: Store,
  chain: ChainId | undefined,
): AsyncGenerator<Buffer> {
  const { exportSnapshot } = await import('../../image/archive/export.ts');
  const upper = temporaryPath(store);
  mkdirSync(upper);
  try {
    yield* exportSnapshot(store, { id: '', parent: chain, lower: [], upper, work: '' });
  } finally {
    removeTree(upper);
  }
}
