import { type Swept, sweep } from './collect.ts';
import type { ChainId } from './digest.ts';
import { type Image, listImages } from './images.ts';
import { writeIndex } from './layout.ts';
import { canonical, parseReference } from './reference.ts';
import type { Removed } from './remove.ts';
import { exclusively } from './state/database.ts';
import type { Store } from './store.ts';

/**
 * Removes the images that `isUnwanted` names, with all their names, and what only they needed. It is
 * asked within the transaction, so that nobody tags or uses one meanwhile.
 */
export function pruneImages(store: Store, isUnwanted: (image: Image) => boolean): Removed {
  const gone = exclusively(store.db, () => {
    const unwanted = listImages(store).filter(isUnwanted);
    for (const { manifest, tags } of unwanted) {
      for (const tag of tags)
        store.db.query('DELETE FROM tags WHERE reference = ?').run(canonical(parseReference(tag)));
      store.db.query('DELETE FROM images WHERE manifest = ?').run(manifest);
    }
    if (unwanted.length > 0) writeIndex(store);
    return unwanted;
  });
  const { chains, freed } = sweep(store);
  return {
    untagged: gone.flatMap(({ tags }) => tags),
    deleted: [...gone.map(({ id }) => id), ...chains],
    freed,
  };
}

/** A step of a build that is remembered. */
export interface CacheRow {
  readonly key: string;
  readonly chain: ChainId | null;
  /** Bytes of the layer that it made. */
  readonly size: number;
  /** Milliseconds since the epoch: when a build last made or used it. */
  readonly used: number;
  /** Whether an image stands on its layer, so that forgetting it frees nothing. */
  readonly shared: boolean;
}

/** What builds have remembered, the one used longest ago first. */
export function cacheRows(store: Store): CacheRow[] {
  const inUse = closureOf(
    store,
    listImages(store).map(({ chainId }) => chainId),
  );
  return store.db
    .query<Omit<CacheRow, 'shared'>, []>(
      `SELECT key, cache.chain, used, coalesce(snapshots.size, 0) AS size
       FROM cache LEFT JOIN snapshots ON cache.chain = snapshots.chain ORDER BY used, key`,
    )
    .all()
    .map((row) => ({ ...row, shared: row.chain !== null && inUse.has(row.chain) }));
}

/** Forgets steps of builds, and removes the layers that only they needed. */
export function forgetCache(store: Store, rows: readonly CacheRow[]): Swept {
  exclusively(store.db, () => {
    for (const { key } of rows) store.db.query('DELETE FROM cache WHERE key = ?').run(key);
  });
  return sweep(store);
}

/** The given snapshots and all that they stand on. */
export function closureOf(
  store: Store,
  tops: readonly (ChainId | undefined | null)[],
): ReadonlySet<ChainId> {
  const parents = new Map(
    store.db
      .query<{ chain: ChainId; parent: ChainId | null }, []>('SELECT chain, parent FROM snapshots')
      .all()
      .map(({ chain, parent }) => [chain, parent]),
  );
  const closure = new Set<ChainId>();
  for (let next of tops)
    for (; next !== undefined && next !== null && !closure.has(next); next = parents.get(next))
      closure.add(next);
  return closure;
}
