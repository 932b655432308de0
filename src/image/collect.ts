import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainId, type Digest, hexOf } from './digest.ts';
import type { Manifest } from './manifest.ts';
import { throwAway } from './snapshots.ts';
import { exclusively } from './state/database.ts';
import { isDead, type Owner } from './state/owner.ts';
import { removeTree } from './state/remove-tree.ts';
import { isAnybodyWorking } from './state/work.ts';
import { readJson, type Store } from './store.ts';

/**
 * Removes what killed commands have left: their active snapshots, directories that no row names,
 * temporary files. Every command may begin with it; with nothing to do it costs half a millisecond.
 */
export function reconcile(store: Store): void {
  // First what needs no transaction: on a full disk there can be none until this is gone.
  for (const name of readdirSync(join(store.root, 'tmp')))
    if (isDead((name.split('+')[0] ?? '') as Owner)) removeTree(join(store.root, 'tmp', name));
  const bins = exclusively(store.db, () => [...deadActive(store), ...orphans(store)]);
  for (const path of bins) removeTree(path);
}

/** What a sweep took away. */
export interface Swept {
  /** Bytes, of blobs as stored and of snapshots' files. */
  readonly freed: number;
  readonly chains: readonly ChainId[];
}

/**
 * Mark and sweep: removes the snapshots and blobs that no image, no active snapshot and no cached
 * build step needs. While anybody works (`whileWorking`) nothing is swept, since their work may be
 * about to refer to what nobody else does; the next one does it.
 */
export function sweep(store: Store): Swept {
  reconcile(store);
  // Whoever wants to begin to work waits for the end of this transaction.
  const { bins, ...swept } = exclusively(store.db, () => {
    if (isAnybodyWorking(store.db)) return { bins: [], freed: 0, chains: [] };
    const { bins, size, chains } = sweepSnapshots(store);
    return { bins, freed: size + sweepBlobs(store), chains };
  });
  for (const bin of bins) removeTree(bin);
  return swept;
}

/** As `sweep`. @returns the bytes that were freed */
export function collect(store: Store): number {
  return sweep(store).freed;
}

function deadActive(store: Store): string[] {
  const rows = store.db
    .query<{ id: string; owner: Owner }, []>('SELECT id, owner FROM active WHERE keeper IS NULL')
    .all();
  return rows
    .filter(({ owner }) => isDead(owner))
    .map(({ id }) => {
      store.db.query('DELETE FROM active WHERE id = ?').run(id);
      return throwAway(store, join(store.root, 'snapshots', `active-${id}`));
    })
    .filter((bin) => bin !== undefined);
}

function orphans(store: Store): string[] {
  const known = new Set<string>();
  for (const { chain } of store.db
    .query<{ chain: ChainId }, []>('SELECT chain FROM snapshots')
    .iterate())
    known.add(hexOf(chain));
  for (const { id } of store.db.query<{ id: string }, []>('SELECT id FROM active').iterate())
    known.add(`active-${id}`);
  return readdirSync(join(store.root, 'snapshots'))
    .filter((name) => !known.has(name))
    .map((name) => throwAway(store, join(store.root, 'snapshots', name)))
    .filter((bin) => bin !== undefined);
}

const NEEDED = `
  WITH RECURSIVE needed (chain) AS (
    SELECT chain FROM images WHERE chain IS NOT NULL
    UNION SELECT parent FROM active WHERE parent IS NOT NULL
    UNION SELECT chain FROM cache WHERE chain IS NOT NULL
    UNION SELECT parent FROM snapshots JOIN needed USING (chain) WHERE parent IS NOT NULL
  )`;

function sweepSnapshots(store: Store) {
  const doomed = store.db
    .query<{ chain: ChainId; size: number }, []>(
      `${NEEDED} SELECT chain, size FROM snapshots WHERE chain NOT IN needed`,
    )
    .all();
  // A parent may go before its child.
  store.db.run('PRAGMA defer_foreign_keys = ON');
  const bins = doomed.map(({ chain }) => {
    store.db.query('DELETE FROM snapshots WHERE chain = ?').run(chain);
    return throwAway(store, join(store.root, 'snapshots', hexOf(chain)));
  });
  const size = doomed.reduce((sum, one) => sum + one.size, 0);
  const chains = doomed.map(({ chain }) => chain);
  return { bins: bins.filter((bin) => bin !== undefined), size, chains };
}

function sweepBlobs(store: Store): number {
  const needed = neededBlobs(store);
  const folder = join(store.root, 'blobs/sha256');
  let freed = 0;
  for (const name of readdirSync(folder)) {
    if (needed.has(name)) continue;
    freed += statSync(join(folder, name)).size;
    rmSync(join(folder, name));
    store.db.query('DELETE FROM known_at WHERE digest = ?').run(`sha256:${name}`);
  }
  return freed;
}

function neededBlobs(store: Store): Set<string> {
  const needed = new Set<string>();
  const images = store.db
    .query<{ manifest: Digest; config: Digest }, []>('SELECT manifest, config FROM images')
    .all();
  for (const { manifest, config } of images) {
    needed.add(hexOf(manifest)).add(hexOf(config));
    for (const layer of readJson<Manifest>(store, manifest).layers) needed.add(hexOf(layer.digest));
  }
  const layers = store.db.query<{ blob: Digest }, []>('SELECT blob FROM snapshots').all();
  for (const { blob } of layers) needed.add(hexOf(blob));
  for (const blob of store.keeps?.() ?? []) needed.add(hexOf(blob));
  return needed;
}
