import { ClocheError } from '../../error.ts';
import {
  type ChainId,
  children,
  find,
  type Node,
  type Store,
  type Tree,
  treeOf,
} from '../../image/index.ts';
import { fromRaw, toRaw } from '../../image/layer/scan.ts';
import { hostPath } from '../../image/tree.ts';
import type { Context } from '../context.ts';
import { contentDigest, gather } from '../copy/gather.ts';
import type { OperationMount } from '../graph.ts';
import type { ReadyMount } from './mount.ts';

export type BindMount = Extract<OperationMount, { type: 'bind' | 'cache' }>;

export interface MountInputs {
  readonly store: Store;
  readonly context: Context;
  /** What the vertex stands on, and then what its mounts are taken from. */
  readonly inputs: readonly (ChainId | undefined)[];
}

/** What a mount is taken from: a place in a tree; undefined where there are no files at all. */
export interface Found {
  readonly tree: Tree;
  readonly node: Node;
}

/** @throws {ClocheError} `COPY_SOURCE_NOT_FOUND`, `LINK_LOOP` */
export function findSource(mount: BindMount, about: MountInputs): Found | undefined {
  if (mount.from === 'nothing') return undefined;
  const chain = mount.from === 'context' ? undefined : about.inputs[mount.from];
  if (mount.from !== 'context' && chain === undefined && mount.source === '/') return undefined;
  const tree = mount.from === 'context' ? about.context.tree : treeOf(about.store, chain);
  const node = tree.layers.length === 0 ? undefined : find(tree, toRaw(mount.source));
  if (node !== undefined) return { tree, node };
  const where = mount.from === 'context' ? 'the build context' : 'what from= names';
  throw new ClocheError('COPY_SOURCE_NOT_FOUND', `"${mount.source}": not found`, {
    class: 'not-found',
    hint: `It is not in ${where}; it is the source of the mount at '${mount.target}'.`,
    details: { source: mount.source },
  });
}

/** What the cache has to know of it: names, modes and content. */
export async function sourceDigest(
  mount: BindMount,
  { tree, node }: Found,
  { digests }: Context,
  note: (path: string, facts: string) => void,
): Promise<string> {
  const isLayer = mount.from !== 'context';
  const gathered = await gather(tree, [{ node, name: node.path, pivot: 0 }], { xattrs: isLayer });
  return contentDigest(gathered, isLayer ? { owners: true } : { owners: false, digests }, note);
}

/** The mount of it: a file as it is, a directory as its layers. */
export function bindMount(mount: BindMount, found: Found | undefined): ReadyMount {
  const { target, readonly } = mount;
  if (found === undefined) return { kind: 'layered', target, readonly, layers: [], hidden: [] };
  const { tree, node } = found;
  const paths = node.layers.map((layer) => hostPath(tree, node, layer).toString());
  if (node.kind !== 'directory')
    return { kind: 'host', target, source: paths[0] ?? '', readonly: true };
  const hidden = tree.hides === undefined ? [] : [...hiddenBelow(tree, node, '')];
  return { kind: 'layered', target, readonly, layers: paths, hidden };
}

/** What `.dockerignore` hides, the uppermost of it, relative to `node`. */
function* hiddenBelow(tree: Tree, node: Node, relative: string): Generator<string> {
  const visible = new Map(children(tree, node).map((child) => [child.path, child]));
  for (const child of children({ layers: tree.layers }, node)) {
    const name = fromRaw(child.path.slice(child.path.lastIndexOf('/') + 1)).toString();
    const path = relative === '' ? name : `${relative}/${name}`;
    const seen = visible.get(child.path);
    if (seen === undefined) yield path;
    else if (seen.kind === 'directory') yield* hiddenBelow(tree, seen, path);
  }
}
