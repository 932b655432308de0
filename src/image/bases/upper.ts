import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { type ActiveSnapshot, treeOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { children, find, type Node, readNode, type Tree } from '../tree.ts';

/**
 * The layer that is being filled, seen together with what lies below it, without a mount: paths are
 * relative to the image's root and go through no link.
 */
export class Upper {
  readonly directory: string;
  readonly #below: Tree | undefined;

  constructor(store: Store, active: ActiveSnapshot) {
    this.directory = active.upper;
    this.#below = active.parent === undefined ? undefined : treeOf(store, active.parent);
  }

  /** Where `path` lies on this machine; its directories are there, with the mode they have below. */
  at(path: string): string {
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.makeDirectory(path.slice(0, slash));
    return join(this.directory, path);
  }

  /** Whether the image has something there, in this layer or below. */
  has(path: string): boolean {
    const own = lstatSync(join(this.directory, path), { throwIfNoEntry: false });
    return own !== undefined || this.#find(path) !== undefined;
  }

  /** A directory; one that is below or here already stays what it is. */
  makeDirectory(path: string, mode = 0o755, owner = 0): string {
    const made = this.at(path);
    if (existsSync(made)) return made;
    mkdirSync(made);
    const below = this.#find(path);
    chmodSync(made, below === undefined ? mode : Number(below.stat.mode & 0o7777n));
    const [uid, gid] = below === undefined ? [owner, owner] : [below.stat.uid, below.stat.gid];
    chownSync(made, Number(uid), Number(gid));
    return made;
  }

  /** A file of root's, or of `owner`'s. */
  writeFile(path: string, content: string | Uint8Array, mode = 0o644, owner = 0): void {
    const written = this.at(path);
    writeFileSync(written, content);
    chownSync(written, owner, owner);
    chmodSync(written, mode);
  }

  /** A file or a link of this machine, with its mode and time; it becomes root's. */
  copyIn(source: string, path: string): void {
    const { mode, atime, mtime } = lstatSync(source);
    const copied = this.at(path);
    const isLink = (mode & constants.S_IFMT) === constants.S_IFLNK;
    if (isLink) symlinkSync(readlinkSync(source), copied);
    else copyFileSync(source, copied);
    if (!isLink) chmodSync(copied, mode & 0o7777);
    lutimesSync(copied, atime, mtime);
  }

  link(path: string, target: string): void {
    symlinkSync(target, this.at(path));
  }

  /** Changes a file of the image below, keeping its mode and owner. False if there is none. */
  edit(path: string, change: (content: string) => string): boolean {
    const below = this.#find(path);
    if (this.#below === undefined || below?.kind !== 'file') return false;
    this.writeFile(path, change(readNode(this.#below, below).toString('utf8')));
    chownSync(this.at(path), Number(below.stat.uid), Number(below.stat.gid));
    chmodSync(this.at(path), Number(below.stat.mode & 0o7777n));
    return true;
  }

  /** The files directly in a directory below, by name. */
  filesIn(path: string): Map<string, Buffer> {
    const tree = this.#below;
    const directory = this.#find(path);
    if (tree === undefined || directory?.kind !== 'directory') return new Map();
    const files = children(tree, directory).filter(({ kind }) => kind === 'file');
    return new Map(files.map((node) => [basename(node.path), readNode(tree, node)]));
  }

  #find(path: string): Node | undefined {
    return this.#below === undefined ? undefined : find(this.#below, path, { follow: false });
  }
}
