import type { Change } from './merge.ts';

/** Changes as a tree, to be looked at. */
export interface Nested {
  readonly name: string;
  /** undefined for a directory that the layer only passes through. */
  readonly kind: Change['kind'] | undefined;
  readonly isDirectory: boolean;
  /** Bytes, of a directory all that are below it. */
  readonly size: number;
  /** How many files and links it holds; 1 for one itself. */
  readonly files: number;
  /** The largest first. */
  readonly children: readonly Nested[];
}

/** @param changes their paths are in order. @returns the root, which has no name. */
export function nest(changes: readonly Change[]): Nested {
  const root: Draft = { name: '', change: undefined, children: new Map() };
  for (const change of changes) {
    let at = root;
    for (const name of change.path.split('/')) {
      const next = at.children.get(name) ?? { name, change: undefined, children: new Map() };
      at.children.set(name, next);
      at = next;
    }
    at.change = change;
  }
  return finished(root);
}

interface Draft {
  readonly name: string;
  change: Change | undefined;
  readonly children: Map<string, Draft>;
}

function finished({ name, change, children }: Draft): Nested {
  const inner = [...children.values()]
    .map(finished)
    .sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
  const isDirectory = change?.isDirectory ?? true;
  const add = (of: 'size' | 'files') => inner.reduce((sum, one) => sum + one[of], 0);
  return {
    name: Buffer.from(name, 'latin1').toString('utf8'),
    kind: change?.kind,
    isDirectory,
    size: (change?.size ?? 0) + add('size'),
    files: (isDirectory ? 0 : 1) + add('files'),
    children: inner,
  };
}
