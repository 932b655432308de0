import { archiveOf, readChangeset } from '../layer/archive.ts';
import type { RawPath } from '../layer/scan.ts';
import { batched } from '../layer/write.ts';
import { readXattrs, type Xattrs } from '../layer/xattr.ts';
import { type ActiveSnapshot, treeOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { children, find, hostPath, type Node, type Tree } from '../tree.ts';

/**
 * The files that a container sees as its root, as one tar archive in pieces: its own layer over its
 * image's, merged here and not by a mount.
 *
 * @throws {ClocheError} `LAYER_REDIRECT`; `FILE_CHANGED`: the container writes to them meanwhile.
 */
export async function* exportSnapshot(
  store: Store,
  { parent, upper }: ActiveSnapshot,
): AsyncGenerator<Buffer> {
  const { opaque } = await readChangeset(upper);
  const [, ...lower] = treeOf(store, parent, upper).layers;
  yield* exportTree({ layers: [{ directory: upper, opaque }, ...lower] });
}

/** A tree's files as one tar archive: an image's, for `--output type=tar`, as well. */
export async function* exportTree(tree: Tree): AsyncGenerator<Buffer> {
  const root = find(tree, '');
  const all = root === undefined ? [] : [...below(tree, root)];
  const entries = all.filter(({ kind }) => kind !== 'socket');
  const xattrs = await xattrsOf(tree, entries);
  const merged = { entries, xattrs, opaque: [] };
  yield* batched(archiveOf(merged, (node) => hostPath(tree, node)));
}

function* below(tree: Tree, directory: Node): Generator<Node> {
  for (const node of children(tree, directory)) {
    yield node;
    if (node.kind === 'directory') yield* below(tree, node);
  }
}

/** Of each, those in the uppermost layer that has it, without overlayfs' own. */
async function xattrsOf(tree: Tree, nodes: readonly Node[]): Promise<Map<RawPath, Xattrs>> {
  const all = new Map<RawPath, Xattrs>();
  for (const [index, { directory }] of tree.layers.entries()) {
    const here = nodes.filter(({ layers }) => layers[0] === index).map(({ path }) => path);
    for (const [path, xattrs] of await readXattrs(directory, here)) {
      const kept = [...xattrs].filter(([name]) => !name.startsWith('trusted.overlay.'));
      if (kept.length > 0) all.set(path, new Map(kept));
    }
  }
  return all;
}
