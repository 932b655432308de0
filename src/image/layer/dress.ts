import { perform } from '../../linux/perform.ts';
import {
  type Arg,
  bytes,
  call,
  flags,
  mode,
  type Pointer,
  plan,
  type Step,
  text,
} from '../../linux/plan/index.ts';
import { children, type Tree } from '../tree.ts';
import { makedev } from './device.ts';
import { type Extractor, isMadeNow } from './extract.ts';
import { addName, type Inode, lowerOf, type Name, showsThrough } from './growing.ts';
import { pathname } from './pathname.ts';
import type { RawPath } from './scan.ts';
import { setTime } from './times.ts';
import { readXattrs, type Xattrs } from './xattr.ts';

/** So many bytes a plan, of the 16 MB that one may have. */
const BATCH = 8 * 1024 * 1024;
/** What a file's steps take of it beside its path and its xattrs. */
const PER_FILE = 512;

/** What is known of a layer when all of it lies on the disk. */
export interface Dressed {
  /** Bytes of all files, hard links counted once. */
  readonly size: number;
  /** Directories that hide what lower layers have in them. */
  readonly opaque: readonly RawPath[];
}

/**
 * Gives an unpacked layer what Node's API cannot: times exact to the nanosecond, xattrs, devices,
 * fifos, whiteouts in overlayfs' form; and owners and modes, which are the same plan. A directory
 * comes after what is in it, since its time changes with that.
 *
 * Whiteouts and opaque directories that hide nothing are left out: overlayfs would list them.
 *
 * @throws {ClocheError} `STEP_FAILED`
 */
export async function dress(
  extractor: Extractor,
  directory: string,
  lower: Tree | undefined,
): Promise<Dressed> {
  await readCopied(extractor, lower);
  hideBelow(extractor.root, lower);
  const dresser = new Dresser(lower);
  for (const { path, steps } of dresser.all(extractor.root))
    if (dresser.add(path, steps)) await dresser.flush(directory);
  await dresser.flush(directory);
  return { size: dresser.size, opaque: dresser.opaque };
}

/** overlayfs takes no notice of an opaque root, so what is below it is hidden name by name. */
function hideBelow(root: Name, lower: Tree | undefined): void {
  const below = lowerOf(lower, root);
  if (!root.isOpaque || lower === undefined || below === undefined) return;
  for (const { path } of children(lower, below)) {
    const there = root.children?.get(path);
    if (there === undefined) addName(root, path, undefined);
    else if (there.children !== undefined) there.isOpaque = true;
  }
  root.isOpaque = false;
}

/** The xattrs of what was copied up: they are the lower layer's. */
async function readCopied({ copied }: Extractor, lower: Tree | undefined): Promise<void> {
  for (const [index, layer] of (lower?.layers ?? []).entries()) {
    const here = copied.filter(({ from }) => from.layers[0] === index);
    if (here.length === 0) continue;
    const found = await readXattrs(
      layer.directory,
      here.map(({ from }) => from.path),
    );
    for (const { inode, from } of here) inode.xattrs = found.get(from.path);
  }
}

class Dresser {
  readonly #lower: Tree | undefined;
  /** Where what has several names was made. */
  readonly #made = new Map<Inode, RawPath>();
  #steps: Step[] = [];
  #bytes = 0;
  size = 0;
  readonly opaque: RawPath[] = [];

  constructor(lower: Tree | undefined) {
    this.#lower = lower;
  }

  /** Every name, after those below it. Its own stack: an archive may be two thousand levels deep. */
  *all(root: Name): Generator<{ path: RawPath; steps: Step[] }> {
    const open = [{ name: root, path: '', left: below(root) }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = top.left.next();
      if (next.done === true) {
        open.pop();
        yield { path: top.path, steps: this.#of(top.name, top.path) };
        continue;
      }
      const name = next.value;
      const path = top.path === '' ? name.name : `${top.path}/${name.name}`;
      if (name.children === undefined) yield { path, steps: this.#of(name, path) };
      else open.push({ name, path, left: below(name) });
    }
  }

  /** @returns whether the plan is full. */
  add(path: RawPath, steps: readonly Step[]): boolean {
    this.#steps.push(...steps);
    this.#bytes += path.length + PER_FILE;
    return this.#bytes > BATCH;
  }

  async flush(directory: string): Promise<void> {
    if (this.#steps.length === 0) return;
    const into = call(
      'chdir',
      [text(directory)],
      'paths below are relative: they may be 4 KB long',
    );
    await perform(
      plan('owners, modes, times and special files of a layer', [into, ...this.#steps]),
    );
    this.#steps = [];
    this.#bytes = 0;
  }

  #of(name: Name, path: RawPath): Step[] {
    const at = pathname(path === '' ? '.' : path);
    const { inode } = name;
    if (inode === undefined) return showsThrough(this.#lower, name) ? [whiteout(at)] : [];
    const first = this.#made.get(inode);
    if (first !== undefined) return isMadeNow(inode) ? [] : [link(pathname(first), at)];
    this.#made.set(inode, path);
    this.size += inode.size;
    const xattrs = [...wanted(inode.xattrs), ...this.#opaqueOf(name, path)];
    for (const [, value] of xattrs) this.#bytes += value.length;
    return [
      ...(isMadeNow(inode) ? [] : [make(inode, at)]),
      ...ownerAndMode(inode, at),
      ...xattrs.map(([key, value]) => setXattr(at, key, value)),
      setTime(at, inode.mtime),
    ];
  }

  #opaqueOf(name: Name, path: RawPath): [string, Uint8Array][] {
    if (!name.isOpaque || !showsThrough(this.#lower, name)) return [];
    this.opaque.push(path);
    return [['trusted.overlay.opaque', Buffer.from('y')]];
  }
}

function below({ children }: Name): Iterator<Name, undefined> {
  return (children ?? new Map<RawPath, Name>()).values();
}

/** Linux has no others (xattr(7)); archives made on a Mac have. */
const NAMESPACES = ['security.', 'system.', 'trusted.', 'user.'];

/** overlayfs' own notes in a layer would be orders to our overlayfs: only we write such. */
function wanted(xattrs: Xattrs | undefined): [string, Uint8Array][] {
  return [...(xattrs ?? [])].filter(
    ([name]) =>
      NAMESPACES.some((space) => name.startsWith(space)) && !name.startsWith('trusted.overlay.'),
  );
}

function whiteout(at: Pointer): Step {
  return call('mknodat', [HERE, at, flags('S_IFCHR'), 0], 'removed by this layer');
}

function link(from: Pointer, to: Pointer): Step {
  return call('linkat', [HERE, from, HERE, to, 0], 'another name of the same');
}

function make({ type, device }: Inode, at: Pointer): Step {
  const kind = type === 'fifo' ? 'S_IFIFO' : type === 'block-device' ? 'S_IFBLK' : 'S_IFCHR';
  const number = device === undefined ? 0n : makedev(device);
  return call('mknodat', [HERE, at, flags(kind), number], 'a special file');
}

/** The mode after the owner: chown(2) takes setuid and setgid away. */
function ownerAndMode({ type, uid, gid, mode: bits }: Inode, at: Pointer): Step[] {
  const own = call('fchownat', [HERE, at, uid, gid, NO_FOLLOW], 'its owner');
  const permit = call('fchmodat', [HERE, at, mode(bits)], 'its mode');
  return type === 'symlink' ? [own] : [own, permit];
}

function setXattr(at: Pointer, name: string, value: Uint8Array): Step {
  const content = bytes(value, `${value.length} bytes`);
  const key = bytes(Buffer.from(`${name}\0`, 'latin1'), JSON.stringify(name));
  return call('lsetxattr', [at, key, content, value.length, 0], 'its extended attribute');
}

const HERE: Arg = flags('AT_FDCWD');
const NO_FOLLOW: Arg = flags('AT_SYMLINK_NOFOLLOW');
