import type { Digest } from '../digest.ts';
import { canonical, type Reference } from '../reference.ts';
import { exclusively } from '../state/database.ts';
import type { Store } from '../store.ts';

/** What registries know of what is in the store; losing it costs only time. */

/** Remembers that at its registry this digest, often an index's, means this image. */
export function noteDigest(store: Store, name: Reference, digest: Digest, manifest: Digest): void {
  const { domain, path } = name;
  store.db
    .query('INSERT OR REPLACE INTO digests VALUES (?, ?)')
    .run(canonical({ domain, path, digest }), manifest);
}

/** Remembers that a repository has these blobs, since it gave or took them. */
export function noteBlobs(
  store: Store,
  { domain, path }: Reference,
  blobs: readonly { readonly digest: Digest }[],
): void {
  const insert = store.db.query('INSERT OR IGNORE INTO known_at VALUES (?, ?)');
  exclusively(store.db, () => {
    for (const { digest } of blobs) insert.run(digest, canonical({ domain, path }));
  });
}

/** Paths of other repositories of the same registry that have a blob, four at most. */
export function repositoriesWith(store: Store, digest: Digest, name: Reference): string[] {
  const { domain, path } = name;
  const prefix = `${domain}/`;
  return store.db
    .query<{ repository: string }, [string]>('SELECT repository FROM known_at WHERE digest = ?')
    .all(digest)
    .filter(({ repository }) => repository.startsWith(prefix))
    .map(({ repository }) => repository.slice(prefix.length))
    .filter((other) => other !== path)
    .slice(0, 4);
}
