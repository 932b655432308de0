import { closeSync, readFileSync } from 'node:fs';
import { ClocheError } from '../error.ts';
import {
  AT_REST,
  type Entry,
  entryAt,
  fromRaw,
  type Look,
  type RawPath,
  toRaw,
} from './layer/scan.ts';

/**
 * A file tree seen through a stack of layers, as overlayfs would show it, without a mount. Also any
 * plain directory: a stack of one.
 *
 * Every path is resolved here, component by component, and a link is followed from the tree's own
 * root: whatever an image's links say, nothing outside of its layers is reached. Layers that are committed
 * stay as they are, and an active one is ours alone while we look, unless it is said to be live.
 */
export interface Tree {
  /** The uppermost first. */
  readonly layers: readonly TreeLayer[];
  /** Paths that are treated as if they were not there. */
  readonly hides?: ((path: RawPath, isDirectory: boolean) => boolean) | undefined;
}

export interface TreeLayer {
  readonly directory: string;
  /** Directories that hide what lower layers have in them. */
  readonly opaque: readonly RawPath[];
  /** `LIVE` where a container is at work; else nobody is. */
  readonly look?: Look | undefined;
}

/** What a path leads to. */
export interface Node extends Entry {
  /** Without links; '' is the root. */
  readonly path: RawPath;
  /** Which layers have it: one, or for a merged directory several. */
  readonly layers: readonly number[];
}

/** How far a path leads: to `node`, from where `missing` would have to be made. */
export interface Walk {
  readonly node: Node;
  readonly missing: readonly RawPath[];
}

/** As many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** What is at `path`; undefined if nothing is. @throws {ClocheError} `LINK_LOOP` */
export function find(
  tree: Tree,
  path: RawPath,
  about: { follow?: boolean } = {},
): Node | undefined {
  const { node, missing } = walk(tree, path, about);
  return missing.length === 0 ? node : undefined;
}

/**
 * Follows `path` from the root as far as it leads. `..` above the root stays there. With `follow`
 * false a link at its very end is not followed.
 *
 * @throws {ClocheError} `LINK_LOOP`
 */
export function walk(
  tree: Tree,
  path: RawPath,
  { follow = true }: { follow?: boolean } = {},
): Walk {
  const parents: Node[] = [];
  let node = rootOf(tree);
  let todo = components(path);
  for (let links = 0; todo.length > 0; ) {
    const [name = '', ...rest] = todo;
    todo = rest;
    if (name === '..') {
      node = parents.pop() ?? node;
      continue;
    }
    const next = node.kind === 'directory' ? child(tree, node, name) : undefined;
    if (next === undefined) return { node, missing: settled([name, ...rest]) };
    if (next.kind === 'symlink' && (follow || rest.length > 0)) {
      if (++links > MAX_LINKS) throw loop(path);
      const target = next.target ?? '';
      if (target.startsWith('/')) node = parents[0] ?? node;
      if (target.startsWith('/')) parents.length = 0;
      todo = [...components(target), ...rest];
      continue;
    }
    parents.push(node);
    node = next;
  }
  return { node, missing: [] };
}

/** What a directory holds, sorted by name. */
export function children(tree: Tree, node: Node): Node[] {
  const names = new Set<RawPath>();
  for (const { directory, look = AT_REST } of layersOf(tree, node))
    for (const name of look.names(directory, node.path)) names.add(name);
  const found: Node[] = [];
  for (const name of [...names].sort()) {
    const one = child(tree, node, name);
    if (one !== undefined) found.push(one);
  }
  return found;
}

/** A file's content. */
export function readNode(tree: Tree, node: Node): Buffer {
  const fd = openNode(tree, node);
  try {
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Opens a file for reading; the caller closes it. @throws {ClocheError} `FILE_CHANGED` in a live layer */
export function openNode(tree: Tree, node: Node): number {
  const [layer] = layersOf(tree, node);
  if (layer === undefined) throw new RangeError('a node is in a layer of its own tree');
  return (layer.look ?? AT_REST).open(layer.directory, node.path);
}

/** Whether a container is at work where it lies. */
export function isLive(tree: Tree, node: Node): boolean {
  return layersOf(tree, node)[0]?.look?.isLive === true;
}

function layersOf(tree: Tree, { layers }: Node): TreeLayer[] {
  return layers.flatMap((index) => tree.layers[index] ?? []);
}

/** Where it lies on this machine, in the uppermost layer that has it: not to be opened where that one is live. */
export function hostPath(tree: Tree, node: Node, layer = node.layers[0] ?? 0): Buffer {
  const directory = toRaw(tree.layers[layer]?.directory ?? '');
  return fromRaw(node.path === '' ? directory : `${directory}/${node.path}`);
}

/** The names between slashes, without empty ones and `.`. */
export function components(path: RawPath): RawPath[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

function rootOf(tree: Tree): Node {
  const layers = tree.layers.map((_, index) => index);
  const top = tree.layers[0];
  if (top === undefined) throw new RangeError('a tree needs a layer');
  return { ...entryAt(top.directory, '.'), path: '', kind: 'directory', layers };
}

/** One name in a directory, looked up from the uppermost layer down. */
export function child(tree: Tree, parent: Node, name: RawPath): Node | undefined {
  const path = parent.path === '' ? name : `${parent.path}/${name}`;
  let found: Entry | undefined;
  const having: number[] = [];
  for (const index of parent.layers) {
    const layer = tree.layers[index];
    if (layer === undefined) continue;
    const entry = (layer.look ?? AT_REST).entry(layer.directory, path);
    if (entry === undefined) continue;
    if (entry.kind !== 'directory') {
      if (found === undefined && entry.kind !== 'whiteout') [found] = [entry, having.push(index)];
      break;
    }
    found ??= entry;
    having.push(index);
    if (layer.opaque.includes(path)) break;
  }
  if (found === undefined || tree.hides?.(path, found.kind === 'directory')) return undefined;
  return { ...found, path, layers: having };
}

/** Names that do not exist cannot be links, so `..` among them is plain arithmetic. */
function settled(names: readonly RawPath[]): RawPath[] {
  const kept: RawPath[] = [];
  for (const name of names) {
    if (name === '..') kept.pop();
    else kept.push(name);
  }
  return kept;
}

function loop(path: RawPath): ClocheError {
  return new ClocheError('LINK_LOOP', `too many symbolic links in '${path}'`, {
    class: 'invalid-argument',
    details: { path },
  });
}
