import { type ChainId, children, find, type Node, type Store, treeOf } from '../../image/index.ts';

/** Whether an image has something at `path`; links are followed within it. No mount is needed. */
export function isThere(store: Store, chain: ChainId | undefined, path: string): boolean {
  return chain !== undefined && find(treeOf(store, chain), path) !== undefined;
}

/** The sizes of an image's regular files in bytes, by absolute path, as a container would see them. */
export function filesOf(store: Store, chain: ChainId | undefined): Map<string, number> {
  const files = new Map<string, number>();
  if (chain === undefined) return files;
  const tree = treeOf(store, chain);
  const visit = (node: Node) => {
    for (const child of children(tree, node)) {
      if (child.kind === 'directory') visit(child);
      else if (child.kind === 'file') files.set(`/${child.path}`, Number(child.stat.size));
    }
  };
  const root = find(tree, '');
  if (root !== undefined) visit(root);
  return files;
}
