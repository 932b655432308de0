import { type Digest, hashed, sha256 } from '../../image/digest.ts';
import { fromRaw } from '../../image/layer/scan.ts';
import { readXattrs, type Xattrs } from '../../image/layer/xattr.ts';
import { children, find, hostPath, type Node, type Tree } from '../../image/tree.ts';
import { type Digests, READING } from './digests.ts';
import type { Ignores } from './ignore.ts';
import type { Picked } from './pick.ts';

/** One file to copy. */
export interface Item {
  readonly node: Node;
  /** Where it comes to stand below the destination; '' is the source itself. */
  readonly relative: string;
  /** The absolute path on this machine, for reading. */
  readonly host: Buffer;
  readonly xattrs?: Xattrs | undefined;
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
      items: [...(options.parents ? withParents : itemsOf)(tree, source, options)],
    }))
    .filter(({ items }) => items.length > 0);
  if (!options.xattrs) return gathered;
  const paths = gathered.flatMap(({ items }) => items.map(({ host }) => relativeToRoot(host)));
  const xattrs = await readXattrs('', paths);
  return gathered.map(({ base, items }) => ({
    base,
    items: items.map((item) => ({
      ...item,
      xattrs: carried(xattrs.get(relativeToRoot(item.host))),
    })),
  }));
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
  note?: (path: string, facts: string) => void,
): Digest {
  const { digests = READING } = about;
  const whole = sha256();
  for (const { base, items } of gathered)
    for (const { node, relative, host, xattrs } of items) {
      const { mode, uid, gid, rdev } = node.stat;
      const facts = [node.kind, base, relative, Number(mode & 0o7777n)];
      const owner = about.owners ? [Number(uid), Number(gid)] : [];
      const content = node.kind === 'file' ? digests.of(node, host) : (node.target ?? String(rdev));
      const extended = [...(xattrs ?? [])].map(([name, value]) => [name, [...value]]);
      const line = `${JSON.stringify([facts, owner, content, extended])}\n`;
      whole.update(line);
      if (node.kind !== 'directory') note?.(fromRaw(node.path).toString(), line);
    }
  return hashed(whole);
}

function* itemsOf(tree: Tree, { node, name }: Source, about: GatherOptions): Generator<Item> {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const isFile = node.kind !== 'directory';
  if (isFile && about.excludes?.(base, false)) return;
  yield* below(tree, node, '', (path, isDirectory) => about.excludes?.(path, isDirectory) ?? false);
}

/** The directories above a source from its pivot on, with their own modes, and then the source. */
function* withParents(tree: Tree, source: Source, about: GatherOptions): Generator<Item> {
  const names = source.name.split('/');
  const above = names.slice(0, source.pivot).join('/');
  const excludes: Ignores = (path, isDirectory) => about.excludes?.(path, isDirectory) ?? false;
  const relatives = names.slice(source.pivot).map((_, count, all) => all.slice(0, count).join('/'));
  if (relatives.some((path) => excludes(path, true))) return;
  for (const relative of relatives.length === 0 ? [''] : relatives) {
    const node = find(tree, [above, relative].filter((path) => path !== '').join('/'));
    if (node !== undefined) yield { node, relative, host: hostPath(tree, node) };
  }
  const own = names.slice(source.pivot).join('/');
  const isDirectory = source.node.kind === 'directory';
  if (own === '') yield* [...below(tree, source.node, '', excludes)].slice(1);
  else if (!excludes(own, isDirectory)) yield* below(tree, source.node, own, excludes);
}

function* below(tree: Tree, node: Node, relative: string, excludes: Ignores): Generator<Item> {
  if (node.kind === 'socket') return;
  yield { node, relative, host: hostPath(tree, node) };
  if (node.kind !== 'directory') return;
  for (const child of children(tree, node)) {
    const name = child.path.slice(child.path.lastIndexOf('/') + 1);
    const path = relative === '' ? name : `${relative}/${name}`;
    if (!excludes(path, child.kind === 'directory')) yield* below(tree, child, path, excludes);
  }
}

function relativeToRoot(host: Buffer): string {
  return host.toString('latin1').slice(1);
}

/** Overlayfs' own notes are about the layer that a file lies in. */
function carried(xattrs: Xattrs | undefined): Xattrs | undefined {
  if (xattrs === undefined) return undefined;
  const kept = [...xattrs].filter(([name]) => !name.startsWith('trusted.overlay.'));
  return kept.length === 0 ? undefined : new Map(kept);
}
