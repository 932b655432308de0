import { constants, lstatSync, readdirSync, type Stats } from 'node:fs';
import { type Digest, hashed, sha256 } from '../../image/digest.ts';
import { fromRawQuickly, type RawPath, toRaw } from '../../image/layer/scan.ts';
import { components, find, type Tree } from '../../image/tree.ts';
import { isSettled } from './digests.ts';
import { isPattern } from './wildcard.ts';

/**
 * What lstat(2) says of all that these sources name, as one digest: while it stays the same, so do the
 * files (`rememberedDigests` says why), and what was known of them holds. A file costs a look here, and
 * nothing is made of it: so a build that has nothing to do ends sooner than it could have listed its files.
 *
 * @param tree a build context: one layer.
 * @returns undefined where it would prove nothing: something is not there, or changed less than two seconds
 * ago, or a source is a pattern, which would mean to look at more than it may name.
 */
export function glance(tree: Tree, sources: readonly string[]): Digest | undefined {
  const seen: Seen = { names: [], facts: [], newest: 0 };
  for (const source of sources) {
    if (isPattern(source)) return undefined;
    const path = find(tree, components(toRaw(source)).join('/'))?.path;
    if (path === undefined) return undefined;
    seen.names.push('');
    look(tree, path, seen);
  }
  if (!isSettled(seen.newest)) return undefined;
  const facts = new Float64Array(seen.facts);
  return hashed(sha256().update(seen.names.join('\0')).update(facts));
}

interface Seen {
  readonly names: RawPath[];
  /** Six of each name. An inode's number may lose its last bits; no two files have all six in common. */
  readonly facts: number[];
  /** The last change of all, in milliseconds. */
  newest: number;
}

/** Looks at `top`, and at all that is in it. */
function look(tree: Tree, top: RawPath, seen: Seen): void {
  const root = toRaw(tree.layers[0]?.directory ?? '');
  const todo: RawPath[] = [];
  const see = (path: RawPath) => {
    const stat = lstatSync(fromRawQuickly(`${root}/${path}`));
    const isDirectory = (stat.mode & constants.S_IFMT) === constants.S_IFDIR;
    if (path !== top && tree.hides?.(path, isDirectory)) return;
    if (isDirectory) todo.push(path);
    note(seen, path, stat);
  };
  see(top);
  for (let directory = todo.pop(); directory !== undefined; directory = todo.pop()) {
    const prefix = directory === '' ? '' : `${directory}/`;
    for (const name of readdirSync(fromRawQuickly(`${root}/${directory}`), 'latin1').sort())
      see(prefix + name);
  }
}

function note(seen: Seen, path: RawPath, stat: Stats): void {
  const { dev, ino, mode, size, mtimeMs, ctimeMs } = stat;
  seen.names.push(path);
  seen.facts.push(dev, ino, mode, size, mtimeMs, ctimeMs);
  if (ctimeMs > seen.newest) seen.newest = ctimeMs;
}
