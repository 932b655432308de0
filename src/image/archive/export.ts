import { archiveOf, readChangeset } from '../layer/archive.ts';
import { AT_REST, type Look } from '../layer/scan.ts';
import { batched } from '../layer/write.ts';
import { xattrsOf } from '../layer/xattr.ts';
import { type ActiveSnapshot, stackOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { children, find, type Node, openNode, type Tree } from '../tree.ts';

/**
 * The files that a container sees as its root, as one tar archive in pieces: its own layer over its
 * image's, merged here and not by a mount.
 *
 * @param look `LIVE` if the container runs
 * @throws {ClocheError} `LAYER_REDIRECT`; `FILE_CHANGED`: the container writes to them meanwhile.
 */
export async function* exportSnapshot(
  store: Store,
  active: ActiveSnapshot,
  look = AT_REST,
): AsyncGenerator<Buffer> {
  yield* exportTree(await activeTree(store, active, look));
}

/**
 * The files that a container sees as its root, but for what is mounted in it.
 *
 * @throws {ClocheError} as `exportSnapshot`
 */
export async function activeTree(
  store: Store,
  { parent, upper }: ActiveSnapshot,
  look: Look,
): Promise<Tree> {
  const { opaque } = await readChangeset(upper, look);
  return { layers: [{ directory: upper, opaque, look }, ...stackOf(store, parent)] };
}

/** A tree's files as one tar archive: an image's, for `--output type=tar`, as well. */
export async function* exportTree(tree: Tree): AsyncGenerator<Buffer> {
  const root = find(tree, '');
  const all = root === undefined ? [] : [...below(tree, root)];
  const entries = all.filter(({ kind }) => kind !== 'socket');
  const xattrs = await xattrsOf(tree, entries);
  const merged = { entries, xattrs, opaque: [] };
  yield* batched(archiveOf(merged, (node) => openNode(tree, node)));
}

function* below(tree: Tree, directory: Node): Generator<Node> {
  for (const node of children(tree, directory)) {
    yield node;
    if (node.kind === 'directory') yield* below(tree, node);
  }
}
