import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
} from 'node:fs';
import { fromRaw, parentOf, type RawPath, toRaw } from '../../image/layer/scan.ts';
import { writeTimes } from '../../image/layer/times.ts';
import { writeXattrs, type Xattrs } from '../../image/layer/xattr.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { find, isLive, type Node, openNode, type Tree } from '../../image/tree.ts';
import { perform } from '../../linux/perform.ts';
import { bytes, call, flags, mode, plan } from '../../linux/plan/index.ts';
import { conflict, type Destination, type Dress } from './destination.ts';
import type { Item } from './gather.ts';

/**
 * The uppermost layer of a tree, to be written to. Paths given to it hold no links. Lower layers are
 * never touched: a directory that is written into is first made in the upper one with the same
 * owner, mode and time, which is what overlayfs does (copy up).
 */
export class UpperLayer implements Destination {
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

  /** In whichever layer. */
  at(path: RawPath): Node | undefined {
    // Nothing else can be in a directory that was just made, and most files go into such.
    const isKnown = this.#ready.has(path) || this.#files.has(path);
    if (!isKnown && this.#ready.get(parentOf(path)) === true) return undefined;
    return find(this.#tree, path, { follow: false });
  }

  makeDirectory(path: RawPath, dress: Dress): void {
    this.#copyUp(parentOf(path));
    mkdirSync(this.host(path));
    this.#ready.set(path, true);
    this.dress(path, dress, 'directory');
  }

  /** One that exists in whichever layer. */
  dressDirectory(path: RawPath, dress: Dress): void {
    this.#copyUp(path);
    this.dress(path, dress, 'directory');
  }

  /** As any destination; who writes a file himself writes it at `host(path)`. */
  makeRoom(path: RawPath, replacesDirectories = false): void {
    const there = this.at(path);
    if (there?.kind === 'directory' && !replacesDirectories)
      throw conflict(`cannot copy a file over the directory '/${path}'`);
    this.#copyUp(parentOf(path));
    if (there?.layers.includes(0)) removeTree(this.host(path));
    if (there !== undefined) this.#forget(path);
    this.#files.add(path);
  }

  async put(path: RawPath, item: Item, dress: Dress): Promise<void> {
    const { node } = item;
    if (node.kind === 'file' && isLive(item.tree, node)) copyLive(item, this.host(path));
    else if (node.kind === 'file')
      copyFileSync(item.host, this.host(path), constants.COPYFILE_FICLONE);
    else if (node.kind === 'symlink') symlinkSync(fromRaw(node.target ?? ''), this.host(path));
    else await makeSpecial(this.host(path), node);
    this.dress(path, dress, node.kind);
  }

  link(first: RawPath, path: RawPath): void {
    linkSync(this.host(first), this.host(path));
  }

  dress(path: RawPath, { owner, mode, mtime, xattrs }: Dress, kind: Node['kind']): void {
    const at = this.host(path);
    lchownSync(at, owner.uid, owner.gid);
    // After the owner, since chown(2) takes setuid and setgid away.
    if (kind !== 'symlink') chmodSync(at, mode);
    this.#times.set(path, mtime);
    if (xattrs !== undefined) this.#xattrs.set(path, xattrs);
  }

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

/** A live container's file is read by its descriptor, whatever its name has become. */
function copyLive({ tree, node }: Item, to: Buffer): void {
  const fd = openNode(tree, node);
  try {
    copyFileSync(`/proc/self/fd/${fd}`, to, constants.COPYFILE_FICLONE);
  } finally {
    closeSync(fd);
  }
}

/** A device or fifo; Node has no mknod(2). */
async function makeSpecial(host: Buffer, { stat }: Node): Promise<void> {
  const path = bytes(Buffer.concat([host, Buffer.of(0)]), JSON.stringify(host.toString()));
  const args = [flags('AT_FDCWD'), path, mode(Number(stat.mode)), stat.rdev];
  await perform(plan('copy a special file', [call('mknodat', args, 'as where it comes from')]));
}
