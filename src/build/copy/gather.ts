import { closeSync, openSync, readSync } from 'node:fs';
import { type Digest, hashed, sha256 } from '../../image/digest.ts';
import { readXattrs, type Xattrs } from '../../image/layer/xattr.ts';
import { children, hostPath, type Node, type Tree } from '../../image/tree.ts';

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

/** Lists what a COPY will copy, a directory before what is in it; sockets are left out. */
export async function gather(
  tree: Tree,
  nodes: readonly Node[],
  about: { readonly xattrs: boolean },
): Promise<Gathered[]> {
  const gathered = nodes.map((node) => ({
    base: node.path.slice(node.path.lastIndexOf('/') + 1),
    items: [...itemsOf(tree, node, '')],
  }));
  if (!about.xattrs) return gathered;
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
 */
export function contentDigest(
  gathered: readonly Gathered[],
  about: { readonly owners: boolean },
): Digest {
  const whole = sha256();
  for (const { base, items } of gathered)
    for (const { node, relative, host, xattrs } of items) {
      const { mode, uid, gid, rdev } = node.stat;
      const facts = [node.kind, base, relative, Number(mode & 0o7777n)];
      const owner = about.owners ? [Number(uid), Number(gid)] : [];
      const content = node.kind === 'file' ? fileDigest(host) : (node.target ?? String(rdev));
      const extended = [...(xattrs ?? [])].map(([name, value]) => [name, [...value]]);
      whole.update(`${JSON.stringify([facts, owner, content, extended])}\n`);
    }
  return hashed(whole);
}

function* itemsOf(tree: Tree, node: Node, relative: string): Generator<Item> {
  if (node.kind === 'socket') return;
  yield { node, relative, host: hostPath(tree, node) };
  if (node.kind !== 'directory') return;
  for (const child of children(tree, node)) {
    const name = child.path.slice(child.path.lastIndexOf('/') + 1);
    yield* itemsOf(tree, child, relative === '' ? name : `${relative}/${name}`);
  }
}

function fileDigest(host: Buffer): string {
  const hash = sha256();
  const fd = openSync(host, 'r');
  try {
    const chunk = Buffer.allocUnsafe(1 << 16);
    for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk))
      hash.update(chunk.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
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
