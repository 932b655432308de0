import type { ChainId, Digest, Store } from '../image/index.ts';

/** The snapshot that a step with this key gave before; undefined if none did. */
export function cached(store: Store, key: Digest): ChainId | undefined {
  const row = store.db
    .query<{ chain: ChainId }, [number, string]>(
      'UPDATE cache SET used = ? WHERE key = ? RETURNING chain',
    )
    .get(Date.now(), key);
  return row?.chain;
}

/** Remembers what a step gave. Its snapshot stays until the cache is cleared. */
export function remember(store: Store, key: Digest, chain: ChainId): void {
  store.db
    .query('INSERT OR REPLACE INTO cache (key, chain, value, used) VALUES (?, ?, ?, ?)')
    .run(key, chain, '{}', Date.now());
}
