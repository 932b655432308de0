import { type Digest, hashed, sha256 } from '../../image/digest.ts';
import type { RawPath } from '../../image/layer/scan.ts';
import { carried, readXattrs, type Xattrs, xattrsOf } from '../../image/layer/xattr.ts';
import { children, find, hostPath, isLive, type Node, type Tree } from '../../image/tree.ts';
import { type Digests, READING } from './digests.ts';
import type { Ignores } from './ignore.ts';
import type { Picked } from './pick.ts';

/** One file to copy. */
export interface Item {
  readonly node: Node;
  /** What it is a node of. */
  readonly tree: Tree;
  /** Where it comes to stand below the destination; '' is the source itself. */
  readonly relative: string;
  /** The absolute path on this machine, for reading, unless a container is at work there: see `openNode`. */
  readonly host: Buffer;
  readonly xattrs?: Xattrs | undefined;
  /** A directory that is only there because the source, which keeps its path, lies below it. */
  readonly isAbove?: boolean | undefined;
}

/** What one source brings: a file or a link, or a directory with all that is in it. */
export interface Gathered {
  /** Its name, for a destination that is a directory. */
  readonly base: string;
  readonly items: readonly Item[];
}

/** How sources become what is copied. */
export interface GatherOptions {
  readonly xattrs: boolean;
  /** `--exclude`: by the path below the source, or of a file its name. */
  readonly excludes?: Ignores | undefined;
  /** `--parents`: as many of each source's names are left away, and the rest is kept. */
  readonly parents?: boolean | undefined;
}

/** Files that a source names, and how many of the names before them `/./` takes away. */
export interface Source extends Picked {
  readonly pivot: number;
}

/** Lists what a COPY will copy, a directory before what is in it; sockets are left out. */
export async function gather(
  tree: Tree,
  sources: readonly Source[],
  options: GatherOptions,
): Promise<Gathered[]> {
  const gathered = sources
    .map((source) => ({
      base: source.name.slice(source.name.lastIndexOf('/') + 1),
      items: (options.parents ? withParents : itemsOf)(tree, source, options),
    }))
    .filter(({ items }) => items.length > 0);
  if (!options.xattrs) return gathered;
  const all = gathered.flatMap(({ items }) => items);
  const xattrs = await allXattrs(tree, all);
  return gathered.map(({ base, items }) => ({
    base,
    items: items.map((item) => ({ ...item, xattrs: xattrs.get(item) })),
  }));
}

/** Layers at rest are asked all at once, by paths on this machine. */
async function allXattrs(tree: Tree, items: readonly Item[]) {
  const live = items.filter(({ node }) => isLive(tree, node));
  const there = await xattrsOf(
    tree,
    live.map(({ node }) => node),
  );
  const resting = items.filter(({ node }) => !isLive(tree, node));
  const here = await readXattrs(
    '',
    resting.map(({ host }) => relativeToRoot(host)),
  );
  return new Map<Item, Xattrs | undefined>([
    ...live.map((item) => [item, there.get(item.node.path)] as const),
    ...resting.map((item) => [item, carried(here.get(relativeToRoot(item.host)))] as const),
  ]);
}

/**
 * The content of what is copied, as one digest: names, kinds, permissions, targets and bytes. Not
 * times, so that a fresh checkout is the same; owners only with `owners`, since a build context's
 * are not copied.
 *
 * @param about `digests` knows what files hold; without it they are read.
 * @param note hears what went into it of each file, by its path in the tree.
 */
export function contentDigest(
  gathered: readonly Gathered[],
  about: { readonly owners: boolean; readonly digests?: Digests | undefined },
  note?: (path: RawPath, facts: string) => void,
): Digest {
  const { digests = READING } = about;
  const whole = sha256();
  let lines = '';
  for (const { base, items } of gathered)
    for (const { node, relative, host, xattrs } of items) {
      const { mode, uid, gid, rdev } = node.stat;
      const facts = [node.kind, base, relative, Number(mode & 0o7777n)];
      const owner = about.owners ? [Number(uid), Number(gid)] : [];
      const content = node.kind === 'file' ? digests.of(node, host) : (node.target ?? String(rdev));
      const extended =
        xattrs === undefined ? [] : [...xattrs].map(([name, value]) => [name, [...value]]);
      const line = `${JSON.stringify([facts, owner, content, extended])}\n`;
      if (node.kind !== 'directory') note?.(node.path, line);
      lines += line;
      if (lines.length < PIECE) continue;
      whole.update(lines);
      lines = '';
    }
  return hashed(whole.update(lines));
}

/** So many characters are hashed at once. */
const PIECE = 1 << 16;

function itemsOf(tree: Tree, { node, name }: Source, about: GatherOptions): Item[] {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const isFile = node.kind !== 'directory';
  if (isFile && about.excludes?.(base, false)) return [];
  return below(tree, node, '', about.excludes);
}

/** The directories above a source from its pivot on, with their own modes, and then the source. */
function withParents(tree: Tree, source: Source, about: GatherOptions): Item[] {
  const { excludes } = about;
  const names = source.name.split('/');
  const above = names.slice(0, source.pivot).join('/');
  const relatives = names.slice(source.pivot).map((_, count, all) => all.slice(0, count).join('/'));
  if (relatives.some((path) => excludes?.(path, true))) return [];
  const items = (relatives.length === 0 ? [''] : relatives).flatMap((relative): Item[] => {
    const node = find(tree, [above, relative].filter((path) => path !== '').join('/'));
    return node === undefined
      ? []
      : [{ node, tree, relative, host: hostPath(tree, node), isAbove: true }];
  });
  const own = names.slice(source.pivot).join('/');
  const isDirectory = source.node.kind === 'directory';
  if (own === '') return [...items, ...below(tree, source.node, '', excludes).slice(1)];
  if (excludes?.(own, isDirectory)) return items;
  return [...items, ...below(tree, source.node, own, excludes)];
}

/** A node and all that is in it. A list of its own is all it takes: a tree may be very deep. */
function below(tree: Tree, top: Node, relative: string, excludes: Ignores | undefined): Item[] {
  const items: Item[] = [];
  const todo = [{ node: top, relative }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { node } = next;
    if (node.kind === 'socket') continue;
    items.push({ ...next, tree, host: hostPath(tree, node) });
    if (node.kind !== 'directory') continue;
    const found: typeof todo = [];
    for (const child of children(tree, node)) {
      const name = child.path.slice(child.path.lastIndexOf('/') + 1);
      const path = next.relative === '' ? name : `${next.relative}/${name}`;
      if (!excludes?.(path, child.kind === 'directory'))
        found.push({ node: child, relative: path });
    }
    // The last one in is the first one out.
    for (const one of found.reverse()) todo.push(one);
  }
  return items;
}

function relativeToRoot(host: Buffer): string {
  return host.toString('latin1').slice(1);
}
