import { chmodSync, chownSync, lchownSync, mkdirSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { fromRaw, type RawPath, toRaw } from '../../image/layer/scan.ts';
import { writeTimes } from '../../image/layer/times.ts';
import { writeXattrs, type Xattrs } from '../../image/layer/xattr.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { find, type Node, type Tree, type Walk } from '../../image/tree.ts';
import type { Owner } from './owner.ts';

/** Owner, mode and times that something gets. */
export interface Dress {
  readonly owner: Owner;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  /** Nanoseconds since the epoch. */
  readonly mtime: bigint;
  readonly xattrs?: Xattrs | undefined;
}

/**
 * The uppermost layer of a tree, to be written to. Paths given to it hold no links. Lower layers are
 * never touched: a directory that is written into is first made in the upper one with the same
 * owner, mode and time, which is what overlayfs does (copy up).
 */
export class UpperLayer {
  readonly #tree: Tree;
  readonly #root: RawPath;
  /** Directories that are in the upper layer for certain; true for those that only it has. */
  readonly #ready = new Map<RawPath, boolean>([['', false]]);
  /** What else was put into it. */
  readonly #files = new Set<RawPath>();
  /** Set at the end: writing into a directory changes its time, and a plan is the same for all of them. */
  readonly #times = new Map<RawPath, bigint>();
  readonly #xattrs = new Map<RawPath, Xattrs>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#root = toRaw(tree.layers[0]?.directory ?? '');
  }

  /** Where a path is on this machine. */
  host(path: RawPath): Buffer {
    return fromRaw(`${this.#root}/${path}`);
  }

  /** What is at a path, in whichever layer; undefined if nothing. */
  at(path: RawPath): Node | undefined {
    // Nothing else can be in a directory that was just made, and most files go into such.
    const isKnown = this.#ready.has(path) || this.#files.has(path);
    if (!isKnown && this.#ready.get(parentOf(path)) === true) return undefined;
    return find(this.#tree, path, { follow: false });
  }

  /** Makes the directories that are missing, mode 0755. @throws {ClocheError} `COPY_CONFLICT` */
  makeAll({ node, missing }: Walk, owner: Owner): RawPath {
    if (node.kind !== 'directory') throw conflict(`'/${node.path}' is not a directory`);
    let path = node.path;
    for (const name of missing) {
      path = inside(path, name);
      this.makeDirectory(path, { owner, mode: 0o755, mtime: nowInNanoseconds() });
    }
    return path;
  }

  /** A new directory in one that exists. */
  makeDirectory(path: RawPath, dress: Dress): void {
    this.#copyUp(parentOf(path));
    mkdirSync(this.host(path));
    this.#ready.set(path, true);
    this.dress(path, dress, 'directory');
  }

  /** A directory that exists, in whichever layer. */
  dressDirectory(path: RawPath, dress: Dress): void {
    this.#copyUp(path);
    this.dress(path, dress, 'directory');
  }

  /**
   * Makes room for a file, which is to be written at `host(path)`.
   *
   * @throws {ClocheError} `COPY_CONFLICT`: there is a directory, unless it may be replaced
   */
  makeRoom(path: RawPath, replacesDirectories = false): void {
    const there = this.at(path);
    if (there?.kind === 'directory' && !replacesDirectories)
      throw conflict(`cannot copy a file over the directory '/${path}'`);
    this.#copyUp(parentOf(path));
    if (there?.layers.includes(0)) removeTree(this.host(path));
    if (there !== undefined) this.#forget(path);
    this.#files.add(path);
  }

  dress(path: RawPath, { owner, mode, mtime, xattrs }: Dress, kind: Node['kind']): void {
    const at = this.host(path);
    lchownSync(at, owner.uid, owner.gid);
    // After the owner, since chown(2) takes setuid and setgid away.
    if (kind !== 'symlink') chmodSync(at, mode);
    this.#times.set(path, mtime);
    if (xattrs !== undefined) this.#xattrs.set(path, xattrs);
  }

  /** Once, after all. */
  async finish(): Promise<void> {
    const at = (path: RawPath) => `${this.#root}/${path}`;
    await writeXattrs(new Map([...this.#xattrs].map(([path, xattrs]) => [at(path), xattrs])));
    await writeTimes(this.#root, this.#times);
  }

  /** What was noted of something that is gone, and of what lay in it. */
  #forget(path: RawPath): void {
    const isDirectory = this.#ready.has(path);
    for (const notes of [this.#ready, this.#times, this.#xattrs, this.#files]) {
      notes.delete(path);
      if (!isDirectory) continue;
      for (const one of notes.keys()) if (one.startsWith(`${path}/`)) notes.delete(one);
    }
  }

  #copyUp(path: RawPath): void {
    if (this.#ready.has(path)) return;
    this.#copyUp(parentOf(path));
    const node = find(this.#tree, path, { follow: false });
    if (node !== undefined && !node.layers.includes(0)) {
      mkdirSync(this.host(path));
      chownSync(this.host(path), Number(node.stat.uid), Number(node.stat.gid));
      chmodSync(this.host(path), Number(node.stat.mode & 0o7777n));
    }
    this.#ready.set(path, false);
  }
}

export function inside(directory: RawPath, name: RawPath): RawPath {
  return directory === '' ? name : `${directory}/${name}`;
}

export function conflict(message: string): ClocheError {
  return new ClocheError('COPY_CONFLICT', message, {
    class: 'conflict',
    hint: 'Copy to another place, or remove what is there with RUN first.',
  });
}

function parentOf(path: RawPath): RawPath {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

function nowInNanoseconds(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
