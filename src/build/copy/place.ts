import { constants, copyFileSync, linkSync, symlinkSync, writeFileSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { ClocheError } from '../../error.ts';
import { fromRaw, type RawPath, toRaw } from '../../image/layer/scan.ts';
import { components, type Node, type Tree, walk } from '../../image/tree.ts';
import { perform } from '../../linux/perform.ts';
import { bytes, call, flags, mode, plan } from '../../linux/plan/index.ts';
import type { Gathered, Item } from './gather.ts';
import { applyMode } from './mode.ts';
import type { Owner } from './owner.ts';
import { conflict, type Dress, inside, type UpperLayer } from './upper.ts';

export interface PlaceOptions {
  readonly tree: Tree;
  readonly upper: UpperLayer;
  /** For everything; without it what comes from a stage keeps its own. */
  readonly owner: Owner | undefined;
  /** For everything, directories too: see `mode.ts`. */
  readonly mode: string | undefined;
  /** For everything, in nanoseconds since the epoch; without it each has its own. */
  readonly time?: bigint | undefined;
  /** Whether a directory that is there gets owner, mode and time of the one that comes; never the topmost. */
  readonly dressesDirectories?: boolean | undefined;
  /** Whether a file may take the place of a directory and all that is in it. */
  readonly replacesDirectories?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ROOT: Owner = { uid: 0, gid: 0 };

/**
 * Copies what one source brought to `target`, as COPY does it: a directory's *content* goes into the
 * target, a file goes to it, or into it if it ends with a slash or is a directory.
 *
 * @throws {ClocheError} `COPY_CONFLICT`, `LINK_LOOP`, `ADD_NAME_MISSING`; an AbortError.
 */
export async function place(
  { base, items }: Gathered,
  target: RawPath,
  options: PlaceOptions,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  const { tree, upper } = options;
  const isTree = first.node.kind === 'directory';
  const top = isTree
    ? upper.makeAll(walk(tree, target), options.owner ?? ROOT)
    : fileTarget(target, base, options);
  const firstNames = new Map<string, RawPath>();
  let count = 0;
  for (const item of isTree ? items.slice(1) : items) {
    const path = item.relative === '' ? top : inside(top, item.relative);
    if (item.node.kind === 'directory') placeDirectory(path, item, options);
    else await placeFile(path, item, firstNames, options);
    // Ctrl-C is heard only between pieces of work.
    if (++count % 256 === 0) await breathe();
    options.signal?.throwIfAborted();
  }
}

/** Writes a file whose content stands in the Dockerfile. */
export function placeInline(
  file: { readonly name: string; readonly content: string },
  target: RawPath,
  options: PlaceOptions,
): void {
  const path = fileTarget(target, toRaw(file.name), options);
  options.upper.makeRoom(path);
  writeFileSync(options.upper.host(path), file.content);
  const mode = options.mode === undefined ? 0o644 : applyMode(options.mode, 0o644, false);
  const dress = { owner: options.owner ?? ROOT, mode };
  options.upper.dress(path, { ...dress, mtime: BigInt(Date.now()) * 1_000_000n }, 'file');
}

/** Where a file called `base` goes, the directories above it made. @throws `ADD_NAME_MISSING` */
function fileTarget(target: RawPath, base: RawPath, { tree, upper, owner }: PlaceOptions): RawPath {
  const found = walk(tree, target);
  const { node, missing } = found;
  const isThere = missing.length === 0;
  if (base === '' && (target.endsWith('/') || (isThere && node.kind === 'directory')))
    throw nameless(target);
  if (target.endsWith('/')) return inside(upper.makeAll(found, owner ?? ROOT), base);
  if (isThere) return node.kind === 'directory' ? inside(node.path, base) : node.path;
  const parent = upper.makeAll({ node, missing: missing.slice(0, -1) }, owner ?? ROOT);
  return inside(parent, missing.at(-1) ?? components(target).at(-1) ?? base);
}

/** Of what was fetched from a URL that ends with its host. */
function nameless(target: RawPath): ClocheError {
  const directory = target.endsWith('/') ? target : `${target}/`;
  return new ClocheError('ADD_NAME_MISSING', 'cannot determine a filename from the URL', {
    class: 'invalid-argument',
    hint: `Say how the file is to be called: ADD URL ${directory}name.`,
  });
}

/** Everything but a directory. */
export async function placeFile(
  path: RawPath,
  item: Item,
  firstNames: Map<string, RawPath>,
  options: PlaceOptions,
): Promise<void> {
  const { upper } = options;
  const { node } = item;
  upper.makeRoom(path, options.replacesDirectories);
  const inode = `${node.stat.dev}:${node.stat.ino}`;
  const first = node.stat.nlink > 1n ? firstNames.get(inode) : undefined;
  if (first !== undefined) return linkSync(upper.host(first), upper.host(path));
  firstNames.set(inode, path);
  if (node.kind === 'file') copyFileSync(item.host, upper.host(path), constants.COPYFILE_FICLONE);
  else if (node.kind === 'symlink') symlinkSync(fromRaw(node.target ?? ''), upper.host(path));
  else await makeSpecial(upper.host(path), node);
  upper.dress(path, dressOf(item, options), node.kind);
}

function placeDirectory(path: RawPath, item: Item, options: PlaceOptions): void {
  const { upper, dressesDirectories = false } = options;
  const there = upper.at(path);
  if (there === undefined) upper.makeDirectory(path, dressOf(item, options));
  else if (there.kind !== 'directory') throw conflict(`cannot copy to non-directory: '/${path}'`);
  else if (dressesDirectories && item.isAbove !== true)
    upper.dressDirectory(path, dressOf(item, options));
}

export function dressOf({ node, xattrs }: Item, { owner, mode, time }: PlaceOptions): Dress {
  const { uid, gid, mode: bits, mtimeNs } = node.stat;
  const own = Number(bits & 0o7777n);
  return {
    owner: owner ?? { uid: Number(uid), gid: Number(gid) },
    mode: mode === undefined ? own : applyMode(mode, own, node.kind === 'directory'),
    mtime: time ?? mtimeNs,
    xattrs,
  };
}

/** A device or fifo of another stage; Node has no mknod(2). */
async function makeSpecial(host: Buffer, { stat }: Node): Promise<void> {
  const path = bytes(Buffer.concat([host, Buffer.of(0)]), JSON.stringify(host.toString()));
  const args = [flags('AT_FDCWD'), path, mode(Number(stat.mode)), stat.rdev];
  await perform(plan('copy a special file', [call('mknodat', args, 'as in the other stage')]));
}
