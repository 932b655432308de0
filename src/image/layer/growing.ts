import { child, type Node, type Tree, walk } from '../tree.ts';
import { invalidTar } from './invalid.ts';
import type { RawPath } from './scan.ts';
import type { Xattrs } from './xattr.ts';

/**
 * What a snapshot's directory holds while a layer is unpacked into it, kept in memory. Nobody else
 * writes there, so it is the truth: every path of an archive is resolved here, component by
 * component, and no link that lies on the disk is ever followed by the kernel.
 */
export interface Name {
  /** Undefined for the root. */
  readonly parent: Name | undefined;
  readonly name: RawPath;
  /** Undefined for a whiteout. Hard links share one. */
  inode: Inode | undefined;
  /** Of a directory. */
  readonly children: Map<RawPath, Name> | undefined;
  /** A directory that hides what lower layers have in it. */
  isOpaque: boolean;
  /** What lower layers have here, looked up once; null for nothing. */
  lower: Node | null | undefined;
}

/** What is the same for all names of a file. */
export interface Inode {
  readonly type: 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo';
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since the epoch. */
  mtime: bigint;
  /** Bytes, of a file. */
  readonly size: number;
  xattrs: Xattrs | undefined;
  readonly target?: RawPath | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** A directory that no entry describes: it is there because of what lies in it. */
  readonly isImplied?: boolean;
}

/** As many as the kernel follows (path_resolution(7)). */
const LINKS_MAX = 40;
/** A path that is longer cannot be named to the kernel; bytes. */
const PATH_MAX = 4095;
const NAME_MAX = 255;

export function newRoot(inode: Inode): Name {
  return {
    parent: undefined,
    name: '',
    inode,
    children: new Map(),
    isOpaque: false,
    lower: undefined,
  };
}

/** A new name in a directory, in place of what had it. */
export function addName(parent: Name, name: RawPath, inode: Inode | undefined): Name {
  const children = inode?.type === 'directory' ? new Map<RawPath, Name>() : undefined;
  const made = { parent, name, inode, children, isOpaque: false, lower: undefined };
  parent.children?.set(name, made);
  return made;
}

/** The path from the root, without a leading slash; '' is the root. */
export function pathOf(name: Name): RawPath {
  if (name.parent === undefined) return '';
  const before = pathOf(name.parent);
  return before === '' ? name.name : `${before}/${name.name}`;
}

/** Directories that no entry describes, without the root. */
export function impliedBelow(root: Name): Set<RawPath> {
  const found = new Set<RawPath>();
  const todo = [{ name: root, path: '' }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop())
    for (const [last, name] of next.name.children ?? []) {
      const path = next.path === '' ? last : `${next.path}/${last}`;
      if (name.inode?.isImplied === true) found.add(path);
      if (name.children !== undefined) todo.push({ name, path });
    }
  return found;
}

/** Whether it is still in the tree, and so is what it lies in. */
export function isAttached(name: Name): boolean {
  for (let here = name; here.parent !== undefined; here = here.parent)
    if (here.parent.children?.get(here.name) !== here) return false;
  return true;
}

/**
 * The components of a path as an archive has it: relative to the root, with or without a leading
 * slash, `.` and `..` settled.
 *
 * @throws {ClocheError} `LAYER_INVALID`: it leads out of the root, or is too long.
 */
export function split(path: RawPath): RawPath[] {
  if (path.includes('\0')) throw invalidTar('has a path with a NUL byte in it', { path });
  if (path.length > PATH_MAX) throw invalidTar(`has a path of ${path.length} bytes`);
  const kept: RawPath[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name.length > NAME_MAX) throw invalidTar(`has a name of ${name.length} bytes`, { path });
    if (name !== '..') kept.push(name);
    else if (kept.pop() === undefined)
      throw invalidTar(`has the path ${JSON.stringify(path)}, which leads out of its root`, {
        path,
      });
  }
  return kept;
}

/**
 * The directory that `components` lead to, with links in between followed inside of the root, as
 * every engine does. What is missing is made by `onMissing`, which gets it as its lower layer's twin.
 *
 * @throws {ClocheError} `LAYER_INVALID`: a file is in the way, or the links go in a circle.
 */
export function enter(
  root: Name,
  components: readonly RawPath[],
  onMissing: (parent: Name, name: RawPath) => Name,
): Name {
  let here = root;
  let todo = [...components].reverse();
  for (let links = 0; ; ) {
    const name = todo.pop();
    if (name === undefined) return here;
    if (name === '..') {
      here = here.parent ?? here;
      continue;
    }
    const there = here.children?.get(name);
    const inode = there?.inode;
    if (there === undefined || inode === undefined) here = onMissing(here, name);
    else if (inode.type === 'directory') here = there;
    else if (inode.type === 'symlink') {
      if (++links > LINKS_MAX) throw invalidTar(`has too many links in ${shown(components)}`);
      const target = inode.target ?? '';
      if (target.startsWith('/')) here = root;
      todo = [...todo, ...linkComponents(target).reverse()];
    } else throw invalidTar(`has ${shown(components)}, where a part is no directory`);
  }
}

/** What lower layers show at that name, were it not for this layer; undefined if nothing. */
export function lowerOf(tree: Tree | undefined, name: Name): Node | undefined {
  if (tree === undefined) return undefined;
  if (name.lower === undefined) name.lower = lookUp(tree, name) ?? null;
  return name.lower ?? undefined;
}

function lookUp(tree: Tree, name: Name): Node | undefined {
  if (name.parent === undefined) return walk(tree, '').node;
  const above = lowerOf(tree, name.parent);
  return above?.kind === 'directory' ? child(tree, above, name.name) : undefined;
}

/** Whether a lower layer's thing would be seen at that name: no opaque directory is above it. */
export function showsThrough(tree: Tree | undefined, name: Name): boolean {
  for (let above = name.parent; above !== undefined; above = above.parent)
    if (above.isOpaque) return false;
  return lowerOf(tree, name) !== undefined;
}

function linkComponents(target: RawPath): RawPath[] {
  return target.split('/').filter((name) => name !== '' && name !== '.');
}

function shown(components: readonly RawPath[]): string {
  return JSON.stringify(components.join('/').slice(0, 200));
}
