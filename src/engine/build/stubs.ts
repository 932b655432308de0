import { lstatSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ActiveSnapshot, type Node, type Store, treeOf } from '../../image/index.ts';
import { fromRaw, type RawPath, toRaw } from '../../image/layer/scan.ts';
import { writeTimes } from '../../image/layer/times.ts';
import { walk } from '../../image/tree.ts';

/** A mount point that was not there, and the directory in which its making begins. */
interface Stub {
  readonly node: Node;
  /** Relative to the root, the deepest first. */
  readonly made: readonly string[];
}

/**
 * Notes which mount points have to be made for these mounts. What it returns takes away those that
 * are still empty, so that, as with BuildKit, a layer has no trace of what was mounted while it was
 * made: neither the mount points nor the times of the directories that they stood in.
 */
export function watchStubs(
  store: Store,
  { parent, upper }: ActiveSnapshot,
  targets: readonly string[],
): () => Promise<void> {
  const tree = treeOf(store, parent, upper);
  const stubs = targets.map((target): Stub => {
    const { node, missing } = walk(tree, toRaw(target));
    const made = missing.map((_, i) => [node.path, ...missing.slice(0, i + 1)].join('/'));
    return { node, made: made.map((path) => fromRaw(path).toString()).reverse() };
  });
  return async () => {
    const times = new Map<RawPath, bigint>();
    for (const { node, made } of stubs.filter((stub) => stub.made.length > 0)) {
      for (const path of made) removeEmpty(join(upper, path));
      if (isLeftAsItWas(upper, node)) times.set(node.path, node.stat.mtimeNs);
      else times.delete(node.path);
    }
    await writeTimes(toRaw(upper), times);
  };
}

function removeEmpty(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  try {
    if (stat?.isDirectory()) rmdirSync(path);
    else if (stat?.isFile() && stat.size === 0) rmSync(path);
  } catch (error) {
    // Something was put there beside the mount: that stays.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

/**
 * Whether a directory is as it was, but for its time. Where it came up from a lower layer only for the mount
 * point, it goes away.
 */
function isLeftAsItWas(upper: string, { path, layers, stat }: Node): boolean {
  const at = join(upper, fromRaw(path).toString());
  const now = lstatSync(at, { throwIfNoEntry: false });
  if (now === undefined) return false;
  const same =
    now.uid === Number(stat.uid) && now.gid === Number(stat.gid) && now.mode === Number(stat.mode);
  const isCopy = path !== '' && !layers.includes(0) && same;
  if (isCopy) removeEmpty(at);
  return same && lstatSync(at, { throwIfNoEntry: false }) !== undefined;
}
