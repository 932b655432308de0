import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { directorySize } from '../../image/directory-size.ts';
import { isAnybodyWorking, type Store } from '../../image/index.ts';
import { throwAway } from '../../image/snapshots.ts';
import { exclusively } from '../../image/state/database.ts';
import { removeTree } from '../../image/state/remove-tree.ts';

/** The directory of a cache mount, as it stays from build to build. */
export interface KeptMount {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch: when something was last put right into it. */
  readonly used: number;
}

/** All that there are, of `RUN --mount=type=cache`. */
export function keptMounts(store: Store): KeptMount[] {
  const folder = folderOf(store);
  return (existsSync(folder) ? readdirSync(folder) : []).map((name) => ({
    name,
    size: directorySize(join(folder, name)),
    used: statSync(join(folder, name)).mtimeMs,
  }));
}

/** Removes cache mounts; none while a build runs, which may have them mounted. @returns which went */
export function removeMounts(store: Store, mounts: readonly KeptMount[]): readonly KeptMount[] {
  const bins = exclusively(store.db, () =>
    isAnybodyWorking(store.db)
      ? undefined
      : mounts.map(({ name }) => throwAway(store, join(folderOf(store), name))),
  );
  if (bins === undefined) return [];
  for (const bin of bins) if (bin !== undefined) removeTree(bin);
  return mounts.filter((_, i) => bins[i] !== undefined);
}

function folderOf(store: Store): string {
  return join(store.root, 'cache/mounts');
}
