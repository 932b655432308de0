import type { Image } from '../images.ts';
import type { RawPath } from '../layer/scan.ts';
import { stackOf, treeOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { type MergedNode, MergedTree } from './merge.ts';
import { packagesOf } from './packages.ts';

/** A file or link of one image that another has not, or has otherwise. */
export interface Difference {
  readonly path: RawPath;
  /** Bytes; of a file with several names, at the first of them. */
  readonly size: number;
}

/** Files that belong together: a package's, or a directory's. */
export interface Group {
  /** `package perl-base`, `npm express`, or a directory such as `usr/share/` */
  readonly name: string;
  readonly size: number;
  /** The largest first. */
  readonly files: readonly Difference[];
}

/** What it takes to come from one image to another. */
export interface Comparison {
  /** What the first has and the second no longer carries, the largest group first. */
  readonly gone: readonly Group[];
  /** What only the second has. */
  readonly added: readonly Group[];
  /** Bytes of all files that can be seen. */
  readonly before: number;
  readonly after: number;
}

/** An image with nothing in it: compared with it, everything is gone. */
export const EMPTY: Pick<Image, 'chainId'> = { chainId: undefined };

/**
 * Compares what containers of two images would see, path by path. Files that both have count as
 * kept, whatever is in them.
 *
 * @throws {ClocheError} `SNAPSHOT_NOT_FOUND`
 */
export function compare(
  store: Store,
  first: Pick<Image, 'chainId'>,
  second: Pick<Image, 'chainId'>,
): Comparison {
  const [before, after] = [filesOf(store, first), filesOf(store, second)];
  return {
    gone: grouped(
      store,
      first,
      [...before.values()].filter(({ path }) => !after.has(path)),
    ),
    added: grouped(
      store,
      second,
      [...after.values()].filter(({ path }) => !before.has(path)),
    ),
    before: total([...before.values()]),
    after: total([...after.values()]),
  };
}

function filesOf(store: Store, { chainId }: Pick<Image, 'chainId'>): Map<RawPath, Difference> {
  const tree = new MergedTree();
  for (const layer of stackOf(store, chainId).reverse()) tree.apply(layer);
  const files = new Map<RawPath, Difference>();
  const counted = new Set<MergedNode['content']>();
  const visit = (children: ReadonlyMap<string, MergedNode>, below: RawPath) => {
    for (const [name, node] of children) {
      const path = `${below}${name}`;
      if (node.children !== undefined) visit(node.children, `${path}/`);
      else {
        files.set(path, { path, size: counted.has(node.content) ? 0 : (node.content?.size ?? 0) });
        counted.add(node.content);
      }
    }
  };
  visit(tree.root, '');
  return files;
}

function grouped(
  store: Store,
  { chainId }: Pick<Image, 'chainId'>,
  files: readonly Difference[],
): Group[] {
  const packages = chainId === undefined ? new Map() : packagesOf(treeOf(store, chainId));
  const groups = Map.groupBy(files, ({ path }) => packages.get(path) ?? placeOf(path));
  return [...groups]
    .map(([name, members]) => ({
      name,
      size: total(members),
      files: members.toSorted((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1)),
    }))
    .sort((a, b) => b.size - a.size || b.files.length - a.files.length);
}

/** `npm express` for what lies in `node_modules/express`, else the two outermost directories. */
function placeOf(path: RawPath): string {
  const npm = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/.][^/]*)\//.exec(path);
  if (npm !== null) return `npm ${npm[1]}`;
  const directories = path.split('/').slice(0, -1).slice(0, 2);
  return directories.length === 0 ? '/' : `${directories.join('/')}/`;
}

function total(files: readonly Difference[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}
