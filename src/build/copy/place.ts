import { writeFileSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import { ClocheError } from '../../error.ts';
import { type RawPath, toRaw } from '../../image/layer/scan.ts';
import { components, type Tree, walk } from '../../image/tree.ts';
import { conflict, type Destination, type Dress, inside, makeAll } from './destination.ts';
import type { Gathered, Item } from './gather.ts';
import { applyMode } from './mode.ts';
import type { Owner } from './owner.ts';
import type { UpperLayer } from './upper.ts';

export interface PlaceOptions {
  readonly tree: Tree;
  readonly into: Destination;
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
  const { tree, into } = options;
  const isTree = first.node.kind === 'directory';
  const top = isTree
    ? makeAll(into, walk(tree, target), options.owner ?? ROOT)
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
  options: PlaceOptions & { readonly into: UpperLayer },
): void {
  const path = fileTarget(target, toRaw(file.name), options);
  options.into.makeRoom(path);
  writeFileSync(options.into.host(path), file.content);
  const mode = options.mode === undefined ? 0o644 : applyMode(options.mode, 0o644, false);
  const dress = { owner: options.owner ?? ROOT, mode };
  options.into.dress(path, { ...dress, mtime: BigInt(Date.now()) * 1_000_000n }, 'file');
}

/** Where a file called `base` goes, the directories above it made. @throws `ADD_NAME_MISSING` */
function fileTarget(target: RawPath, base: RawPath, { tree, into, owner }: PlaceOptions): RawPath {
  const found = walk(tree, target);
  const { node, missing } = found;
  const isThere = missing.length === 0;
  if (base === '' && (target.endsWith('/') || (isThere && node.kind === 'directory')))
    throw nameless(target);
  if (target.endsWith('/')) return inside(makeAll(into, found, owner ?? ROOT), base);
  if (isThere) return node.kind === 'directory' ? inside(node.path, base) : node.path;
  const parent = makeAll(into, { node, missing: missing.slice(0, -1) }, owner ?? ROOT);
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
  const { into } = options;
  const { node } = item;
  into.makeRoom(path, options.replacesDirectories);
  const inode = `${node.stat.dev}:${node.stat.ino}`;
  const first = node.stat.nlink > 1n ? firstNames.get(inode) : undefined;
  if (first !== undefined) return into.link(first, path);
  firstNames.set(inode, path);
  await into.put(path, item, dressOf(item, options));
}

function placeDirectory(path: RawPath, item: Item, options: PlaceOptions): void {
  const { into, dressesDirectories = false } = options;
  const there = into.at(path);
  if (there === undefined) into.makeDirectory(path, dressOf(item, options));
  else if (there.kind !== 'directory') throw conflict(`cannot copy to non-directory: '/${path}'`);
  else if (dressesDirectories && item.isAbove !== true)
    into.dressDirectory(path, dressOf(item, options));
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
