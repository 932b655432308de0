import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../error.ts';
import { type ChainId, chainOf, type DiffId, type Digest, hexOf } from './digest.ts';
import type { RawPath } from './layer/scan.ts';
import type { Descriptor } from './manifest.ts';
import { exclusively } from './state/database.ts';
import { ownOwner } from './state/owner.ts';
import { removeTree } from './state/remove-tree.ts';
import { blobPath, type Store, temporaryPath } from './store.ts';
import type { Tree } from './tree.ts';

/**
 * Snapshots: layers unpacked, as directories that overlayfs stacks. A *committed* one lies in
 * `snapshots/<hex of chainID>/fs`, is never written again, and holds one layer in overlayfs' own
 * form: a removed file is the character device 0/0, an opaque directory has the xattr
 * `trusted.overlay.opaque`. An *active* one is written to by one container or one build step, and is
 * committed or discarded.
 *
 * Life: `prepare` → (mount, write) → `commit` or `discard`. Who is killed in between leaves an active
 * snapshot whose owner is dead; `reconcile` removes it.
 */
export interface Snapshot {
  readonly chainId: ChainId;
  readonly parent: ChainId | undefined;
  readonly diffId: DiffId;
  readonly blob: Descriptor;
  /** Bytes of its files, without its parents'. */
  readonly size: number;
  /** The layer's directory. */
  readonly directory: string;
  /** Paths in it that hide what lies below. */
  readonly opaque: readonly RawPath[];
  readonly created: Date;
}

/** What an overlay is mounted from; it must be mounted with `redirect_dir=off,metacopy=off`. */
export interface ActiveSnapshot {
  readonly id: string;
  readonly parent: ChainId | undefined;
  /** Committed layers, the uppermost first, as `lowerdir` wants them; empty for a base. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/**
 * A new active snapshot on top of `parent`. Without a `keeper` it dies with this process; with one
 * (a container's id) it stays until it is discarded.
 *
 * @param about.id its name, if that is not to be any: 16 hexadecimal digits that no other has.
 *
 * @throws {ClocheError} `SNAPSHOT_NOT_FOUND`: there is no such parent.
 */
export function prepare(
  store: Store,
  parent: ChainId | undefined,
  about: { readonly keeper?: string; readonly id?: string } = {},
): ActiveSnapshot {
  const id = about.id ?? crypto.randomUUID().replaceAll('-', '').slice(0, 16);
  return exclusively(store.db, () => {
    const active = locate(store, id, parent);
    store.db
      .query('INSERT INTO active (id, parent, owner, keeper, created) VALUES (?, ?, ?, ?, ?)')
      .run(id, parent ?? null, ownOwner(), about.keeper ?? null, Date.now());
    mkdirSync(active.upper, { recursive: true });
    mkdirSync(active.work);
    takeRootFrom(active.lower[0], active.upper);
    return active;
  });
}

/** An active snapshot by its id, for whoever comes back to a container. */
export function findActive(store: Store, id: string): ActiveSnapshot | undefined {
  const row = store.db
    .query<{ parent: ChainId | null }, [string]>('SELECT parent FROM active WHERE id = ?')
    .get(id);
  return row === null ? undefined : locate(store, id, row.parent ?? undefined);
}

/**
 * Makes an active snapshot a layer: its changes are written to the store as a blob, and its
 * directory becomes the committed snapshot. Nothing may have it mounted any more. Where the same
 * layer on the same parent exists already, that one is kept.
 *
 * @throws {ClocheError} `LAYER_REDIRECT`, `FILE_CHANGED`
 */
export async function commit(store: Store, active: ActiveSnapshot): Promise<Snapshot> {
  // Loaded when needed: what writes layers takes longer to load than a container takes to start.
  const { readChangeset } = await import('./layer/archive.ts');
  const { writeLayer } = await import('./layer/write.ts');
  const changeset = await readChangeset(active.upper);
  const layer = await writeLayer(store, changeset);
  return settle(store, active, { ...layer, opaque: changeset.opaque });
}

/** What becomes of an active snapshot: the layer that it holds. */
export interface Settled {
  readonly diffId: DiffId;
  readonly blob: Descriptor;
  /** Bytes of its files. */
  readonly size: number;
  readonly opaque: readonly RawPath[];
}

/**
 * Makes an active snapshot's directory the committed snapshot of a layer whose blob is in the store.
 * Where the same layer on the same parent exists already, that one is kept.
 */
export function settle(store: Store, active: ActiveSnapshot, layer: Settled): Snapshot {
  const { diffId, blob, size } = layer;
  const chainId = chainOf(active.parent, diffId);
  removeTree(active.work);
  const isNew = exclusively(store.db, () => {
    const opaque = JSON.stringify(layer.opaque);
    const { changes } = store.db
      .query('INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        ...[chainId, active.parent ?? null, diffId, blob.digest, blob.size],
        ...[size, opaque, Date.now(), blob.mediaType],
      );
    if (changes === 0) return mendBlob(store, chainId, blob);
    store.db.query('DELETE FROM active WHERE id = ?').run(active.id);
    // Inside the transaction: a directory that has no row is taken for a dead one's by `reconcile`.
    renameSync(folderOf(store, active.id), join(store.root, 'snapshots', hexOf(chainId)));
    return true;
  });
  if (!isNew) discard(store, active);
  return findSnapshot(store, chainId);
}

/** What is known by a blob that was lost is known by the new one. @returns false: nothing else is new */
function mendBlob(store: Store, chainId: ChainId, { digest, size, mediaType }: Descriptor): false {
  if (existsSync(blobPath(store, findSnapshot(store, chainId).blob.digest))) return false;
  store.db
    .query('UPDATE snapshots SET blob = ?, blob_size = ?, media = ? WHERE chain = ?')
    .run(digest, size, mediaType, chainId);
  return false;
}

/**
 * Removes an active snapshot and all that was written to it. Does nothing if it is gone already. Its
 * files go first: on a disk that they have filled no row can be deleted before.
 *
 * @param also is done in the same transaction
 */
export function discard(
  store: Store,
  active: Pick<ActiveSnapshot, 'id'>,
  also: () => void = () => undefined,
): void {
  const bin = throwAway(store, folderOf(store, active.id));
  if (bin !== undefined) removeTree(bin);
  exclusively(store.db, () => {
    store.db.query('DELETE FROM active WHERE id = ?').run(active.id);
    also();
  });
}

/** @throws {ClocheError} `SNAPSHOT_NOT_FOUND` */
export function findSnapshot(store: Store, chainId: ChainId): Snapshot {
  const row = store.db.query<Row, [string]>('SELECT * FROM snapshots WHERE chain = ?').get(chainId);
  if (row === null)
    throw new ClocheError('SNAPSHOT_NOT_FOUND', `snapshot '${chainId}' is not in '${store.root}'`, {
      class: 'not-found',
      details: { chainId },
    });
  return {
    chainId,
    parent: row.parent ?? undefined,
    diffId: row.diff,
    blob: { mediaType: row.media, digest: row.blob, size: row.blob_size },
    size: row.size,
    directory: join(store.root, 'snapshots', hexOf(chainId), 'fs'),
    opaque: JSON.parse(row.opaque) as RawPath[],
    created: new Date(row.created),
  };
}

/** Whether that stack of layers is here. */
export function hasSnapshot(store: Store, chainId: ChainId): boolean {
  return store.db.query('SELECT 1 FROM snapshots WHERE chain = ?').get(chainId) !== null;
}

/** The stack that a chainID names, the uppermost first. @throws {ClocheError} `SNAPSHOT_NOT_FOUND` */
export function stackOf(store: Store, chainId: ChainId | undefined): Snapshot[] {
  const stack: Snapshot[] = [];
  for (let next = chainId; next !== undefined; ) {
    const snapshot = findSnapshot(store, next);
    stack.push(snapshot);
    next = snapshot.parent;
  }
  return stack;
}

/**
 * The files of a stack as one tree, read without a mount; with an active snapshot's upper directory
 * on top, if given. @throws {ClocheError} `SNAPSHOT_NOT_FOUND`
 */
export function treeOf(store: Store, chainId: ChainId | undefined, upper?: string): Tree {
  const active = upper === undefined ? [] : [{ directory: upper, opaque: [] }];
  return { layers: [...active, ...stackOf(store, chainId)] };
}

/**
 * Moves a directory out of sight in one step, into `tmp`, for removal at leisure; undefined if it is
 * not there. Its row goes in the same transaction, or after it: a directory that is gone is no harm.
 */
export function throwAway(store: Store, directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const bin = temporaryPath(store);
  try {
    renameSync(directory, bin);
    return bin;
  } catch (error) {
    // Another command has thrown it away meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

interface Row {
  readonly parent: ChainId | null;
  readonly diff: DiffId;
  readonly blob: Digest;
  readonly blob_size: number;
  readonly size: number;
  readonly opaque: string;
  readonly created: number;
  /** The blob's media type. */
  readonly media: string;
}

function folderOf(store: Store, id: string): string {
  return join(store.root, 'snapshots', `active-${id}`);
}

function locate(store: Store, id: string, parent: ChainId | undefined): ActiveSnapshot {
  const folder = folderOf(store, id);
  const lower = stackOf(store, parent).map((snapshot) => snapshot.directory);
  return { id, parent, lower, upper: join(folder, 'fs'), work: join(folder, 'work') };
}

/** The merged root directory shows the upper one's mode and owner, so they are the lower one's. */
function takeRootFrom(lower: string | undefined, upper: string): void {
  const stat = lower === undefined ? undefined : statSync(lower);
  chmodSync(upper, (stat?.mode ?? 0o755) & 0o7777);
  if (stat !== undefined) chownSync(upper, stat.uid, stat.gid);
}
