import {
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { removeTree } from '../state/remove-tree.ts';
import { hostPath, type Node, type Tree } from '../tree.ts';
import { deviceOf } from './device.ts';
import {
  addName,
  enter,
  type Inode,
  isAttached,
  lowerOf,
  type Name,
  newRoot,
  showsThrough,
  split,
} from './growing.ts';
import { HostPaths } from './host-paths.ts';
import { invalidTar } from './invalid.ts';
import type { Limit } from './limit.ts';
import type { TarEntry, TarSink } from './reader.ts';
import { fromRaw, type RawPath } from './scan.ts';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** aufs kept notes of its own under such names; they mean nothing to anybody else. */
const META = '.wh..wh.';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * Unpacks an archive's entries into an empty directory. Nothing outside of it is touched: paths are
 * resolved in memory (`growing.ts`). Contents, directories and links are made here at once; owners,
 * modes, times, xattrs, devices and whiteouts are left to `dress`, when it is known what has become
 * of every name.
 *
 * Source: image-spec/layer.md; where that is silent, as docker's overlay2 does.
 */
export class Extractor implements TarSink {
  readonly #paths: HostPaths;
  readonly #lower: Tree | undefined;
  readonly #limit: Limit;
  readonly #hasWhiteouts: boolean;
  readonly root: Name;
  /** Copied up from a lower layer: their xattrs are still to be read there. */
  readonly copied: { readonly inode: Inode; readonly from: Node }[] = [];
  #open: OpenFile | undefined;

  constructor(
    directory: string,
    about: { lower: Tree | undefined; limit: Limit; whiteouts?: boolean | undefined },
  ) {
    const { lower } = about;
    this.#limit = about.limit;
    this.#paths = new HostPaths(directory);
    this.#lower = lower;
    this.#hasWhiteouts = about.whiteouts !== false;
    this.root = newRoot(plainDirectory(BigInt(Date.now()) * 1_000_000n));
    const below = lowerOf(lower, this.root);
    if (below !== undefined) this.#takeFrom(this.root, below);
  }

  entry(entry: TarEntry): void {
    this.#limit.entry(keptOf(entry));
    const components = split(entry.path);
    const name = components.pop();
    if (name === undefined) this.#dressRoot(entry);
    else this.#place(this.#enter(components, entry.mtime), name, entry);
  }

  data(piece: Buffer): void {
    const open = this.#open;
    if (open === undefined) return;
    if (open.entry.sparse === undefined) writeAll(open.fd, piece, null);
    else this.#scatter(open, piece);
  }

  end(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    try {
      if (open.entry.sparse !== undefined) ftruncateSync(open.fd, open.entry.size);
    } finally {
      closeSync(open.fd);
    }
  }

  /** Lets go of what is open. */
  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
    this.#paths.close();
  }

  #place(parent: Name, name: RawPath, entry: TarEntry): void {
    if (this.#hasWhiteouts && name.startsWith(WHITEOUT)) this.#whiteout(parent, name);
    else if (entry.type === 'link') this.#link(parent, name, entry);
    else if (entry.type === 'directory') this.#directory(parent, name, entry);
    else this.#add(parent, name, entry);
  }

  #enter(components: readonly RawPath[], mtime: bigint): Name {
    return enter(this.root, components, (parent, name) => {
      const whiteout = parent.children?.get(name);
      const made = this.#mkdir(parent, name, plainDirectory(mtime));
      // A directory that was removed and made anew shows nothing of the old one.
      made.isOpaque = whiteout !== undefined;
      const isSeen = whiteout === undefined && showsThrough(this.#lower, made);
      const below = isSeen ? lowerOf(this.#lower, made) : undefined;
      if (below?.kind === 'directory') this.#takeFrom(made, below);
      return made;
    });
  }

  #mkdir(parent: Name, name: RawPath, inode: Inode): Name {
    const made = addName(parent, name, inode);
    // Nobody's business until its owner and mode are set; setgid would be handed down meanwhile.
    mkdirSync(this.#paths.of(made), 0o700);
    return made;
  }

  #takeFrom({ inode }: Name, below: Node): void {
    if (inode === undefined) return;
    Object.assign(inode, dressOf(below));
    this.copied.push({ inode, from: below });
  }

  #dressRoot(entry: TarEntry): void {
    if (entry.type !== 'directory') throw invalidTar(`has its own root as a ${entry.type}`);
    this.root.inode = inodeOf(entry);
  }

  #whiteout(parent: Name, marker: RawPath): void {
    if (marker === OPAQUE) {
      parent.isOpaque = true;
      return;
    }
    if (marker.startsWith(META)) return;
    const name = marker.slice(WHITEOUT.length);
    if (name === '' || name === '.' || name === '..')
      throw invalidTar(`has the whiteout ${JSON.stringify(marker)}`);
    const there = parent.children?.get(name);
    // It hides what lower layers have, not what this one has, wherever in the archive it stands.
    if (there === undefined) addName(parent, name, undefined);
    else if (there.children !== undefined) there.isOpaque = true;
  }

  #directory(parent: Name, name: RawPath, entry: TarEntry): void {
    const there = parent.children?.get(name);
    if (there?.children !== undefined) {
      there.inode = inodeOf(entry);
      return;
    }
    this.#remove(there);
    const made = this.#mkdir(parent, name, inodeOf(entry));
    made.isOpaque = there !== undefined && there.inode === undefined;
  }

  #add(parent: Name, name: RawPath, entry: TarEntry): void {
    this.#remove(parent.children?.get(name));
    const made = addName(parent, name, inodeOf(entry));
    if (entry.type === 'symlink') symlinkSync(fromRaw(targetOf(entry)), this.#paths.of(made));
    if (entry.type !== 'file') return;
    // The mode is set later; until then the content is for nobody else.
    const fd = openSync(this.#paths.of(made), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    this.#open = { fd, entry, piece: 0, at: 0 };
  }

  #link(parent: Name, name: RawPath, entry: TarEntry): void {
    const components = split(targetOf(entry));
    const last = components.pop() ?? '';
    const directory = this.#enter(components, entry.mtime);
    const target = directory.children?.get(last) ?? this.#copyUp(directory, last);
    if (target?.inode === undefined || target.children !== undefined)
      throw invalidTar(`has '${entry.path}' as a hard link to '${entry.target}', which is no file`);
    const there = parent.children?.get(name);
    if (there === target) return;
    this.#remove(there);
    // It may have lain in the directory whose name the link takes.
    if (!isAttached(target)) throw invalidTar(`has '${entry.path}' as a hard link into itself`);
    const made = addName(parent, name, target.inode);
    // A device is made when all is done, and so are its other names.
    if (isMadeNow(target.inode)) linkSync(this.#paths.of(target), this.#paths.of(made));
  }

  /** A file that only a lower layer has, brought here so that it can have another name. */
  #copyUp(directory: Name, name: RawPath): Name | undefined {
    const probe: Name = { ...newRoot(plainDirectory(0n)), parent: directory, name };
    const below = showsThrough(this.#lower, probe) ? lowerOf(this.#lower, probe) : undefined;
    if (below === undefined || this.#lower === undefined || below.kind === 'directory')
      return undefined;
    if (below.kind === 'whiteout' || below.kind === 'socket') return undefined;
    const size = below.kind === 'file' ? Number(below.stat.size) : 0;
    const device = deviceOf(below.stat.rdev);
    const { target, kind: type } = below;
    const inode: Inode = { type, size, device, target, xattrs: undefined, ...dressOf(below) };
    const made = addName(directory, name, inode);
    if (type === 'symlink') symlinkSync(fromRaw(target ?? ''), this.#paths.of(made));
    if (type === 'file')
      copyFileSync(hostPath(this.#lower, below), this.#paths.of(made), constants.COPYFILE_FICLONE);
    this.copied.push({ inode, from: below });
    return made;
  }

  #remove(there: Name | undefined): void {
    if (there?.inode === undefined) return;
    if (there.children !== undefined) removeTree(this.#paths.of(there));
    else if (isMadeNow(there.inode)) unlinkSync(this.#paths.of(there));
    there.parent?.children?.delete(there.name);
  }

  /** Content of a sparse file goes to its pieces, one after the other. */
  #scatter(open: OpenFile, content: Buffer): void {
    const pieces = open.entry.sparse ?? [];
    for (let at = 0; at < content.length; ) {
      const piece = pieces[open.piece];
      if (piece === undefined) return;
      const count = Math.min(piece.length - open.at, content.length - at);
      writeAll(open.fd, content.subarray(at, at + count), piece.offset + open.at);
      open.at += count;
      at += count;
      if (open.at < piece.length) continue;
      open.piece++;
      open.at = 0;
    }
  }
}

/** A file whose content is coming; of a sparse one, which piece it is at, and where in that. */
interface OpenFile {
  readonly fd: number;
  readonly entry: TarEntry;
  piece: number;
  at: number;
}

/** Whether it is made while the archive is read, and not at the end by a plan. */
export function isMadeNow({ type }: Inode): boolean {
  return type === 'file' || type === 'symlink' || type === 'directory';
}

/** A directory that no entry describes. */
function plainDirectory(mtime: bigint): Inode {
  const about = { mode: 0o755, uid: 0, gid: 0, size: 0, xattrs: undefined, isImplied: true };
  return { type: 'directory', ...about, mtime };
}

/** Bytes of an entry that stay in memory until all is read. */
function keptOf({ path, target = '', xattrs }: TarEntry): number {
  let kept = path.length + target.length;
  for (const [name, value] of xattrs ?? []) kept += name.length + value.length;
  return kept;
}

function inodeOf(entry: TarEntry): Inode {
  const { type, mode, uid, gid, mtime, size, xattrs, device } = entry;
  if (type === 'link') throw new Error('a hard link has the inode of its target');
  const target = type === 'symlink' ? targetOf(entry) : undefined;
  return { type, mode, uid, gid, mtime, size, xattrs, device, target };
}

/** Links out of the root are only text, as long as nobody follows them. */
function targetOf({ path, target = '' }: TarEntry): RawPath {
  if (target === '' || target.includes('\0') || target.length > 4095)
    throw invalidTar(`has '${path}' as a link without a proper target`, { path });
  return target;
}

function dressOf({ stat }: Node): Pick<Inode, 'mode' | 'uid' | 'gid' | 'mtime'> {
  const mode = Number(stat.mode & 0o7777n);
  return { mode, uid: Number(stat.uid), gid: Number(stat.gid), mtime: stat.mtimeNs };
}

function writeAll(fd: number, content: Buffer, position: number | null): void {
  for (let at = 0; at < content.length; ) {
    const where = position === null ? null : position + at;
    at += writeSync(fd, content, at, content.length - at, where);
  }
}
