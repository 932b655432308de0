import type { Database } from 'bun:sqlite';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../error.ts';
import { type Digest, digestOf, hexOf } from './digest.ts';
import type { Descriptor } from './manifest.ts';
import { writeFileAtomically } from './state/atomic.ts';
import { migrate, openDatabase } from './state/database.ts';
import { ownOwner } from './state/owner.ts';
import { SCHEMA } from './state/schema.ts';

/**
 * The state directory of images: an OCI image layout that skopeo and umoci can read
 * (`oci-layout`, `index.json`, `blobs/sha256/<hex>`, image-spec/image-layout.md), the snapshots
 * beside it, and one SQLite file that says what is what.
 */
export interface Store {
  /** An absolute path. */
  readonly root: string;
  readonly db: Database;
  /** Blobs that others still read, such as the configs of containers whose image was removed. */
  readonly keeps?: () => readonly Digest[];
}

/**
 * Opens the store, and makes it if there is none. Costs one millisecond; `db.close()` is left to
 * the end of the process.
 *
 * @throws {ClocheError} `STATE_UNREADABLE`, `STATE_TOO_NEW`
 */
export function openStore(root: string): Store {
  const isNew = !existsSync(join(root, 'oci-layout'));
  if (isNew) makeLayout(root);
  const db = openDatabase(root);
  migrate(db, 'image', SCHEMA);
  return { root, db };
}

/** Where a blob lies. */
export function blobPath(store: Store, digest: Digest): string {
  return join(store.root, 'blobs/sha256', hexOf(digest));
}

/**
 * A name for something that is being made or removed. It says whose it is, so that `reconcile` can
 * remove what a killed process left.
 */
export function temporaryPath(store: Pick<Store, 'root'>): string {
  return join(store.root, 'tmp', `${ownOwner()}+${crypto.randomUUID()}`);
}

/** Stores JSON as a blob; the same value gives the same bytes. */
export function writeJson(store: Store, mediaType: string, value: unknown): Descriptor {
  const content = Buffer.from(JSON.stringify(value));
  return { mediaType, digest: writeBlob(store, content), size: content.length };
}

/** Stores bytes at hand as a blob. */
export function writeBlob(store: Store, content: Uint8Array): Digest {
  const digest = digestOf(content);
  if (!existsSync(blobPath(store, digest)))
    writeFileAtomically(blobPath(store, digest), content, temporaryPath(store));
  return digest;
}

/**
 * A JSON blob whose form is known to be right, its digest verified.
 *
 * @throws {ClocheError} `BLOB_MISSING`, `BLOB_CORRUPT`
 */
export function readJson<T>(store: Store, digest: Digest): T {
  const content = readBlob(store, digest);
  if (digestOf(content) !== digest) throw corrupt(store, digest);
  return JSON.parse(content.toString('utf8')) as T;
}

/** @throws {ClocheError} `BLOB_MISSING`; `BLOB_CORRUPT`: its content is not that of its digest */
export function verifyBlob(store: Store, digest: Digest): void {
  if (digestOf(readBlob(store, digest)) !== digest) throw corrupt(store, digest);
}

/**
 * Moves a finished temporary file, which must have been synced, to its place among the blobs. The
 * digest is the caller's, hashed while writing.
 */
export function adoptBlob(store: Store, temporary: string, digest: Digest): void {
  if (existsSync(blobPath(store, digest))) rmSync(temporary);
  else renameSync(temporary, blobPath(store, digest));
}

function readBlob(store: Store, digest: Digest): Buffer {
  try {
    return readFileSync(blobPath(store, digest));
  } catch {
    throw missing(store, digest);
  }
}

function makeLayout(root: string): void {
  for (const folder of ['blobs/sha256', 'snapshots', 'tmp', 'cache/debs'])
    mkdirSync(join(root, folder), { recursive: true, mode: 0o711 });
  const layout = JSON.stringify({ imageLayoutVersion: '1.0.0' });
  writeFileAtomically(join(root, 'oci-layout'), layout, temporaryPath({ root }));
}

function missing(store: Store, digest: Digest): ClocheError {
  return new ClocheError('BLOB_MISSING', `blob '${digest}' is not in '${store.root}'`, {
    hint: 'Something other than cloche removed it; remove the image and make it again.',
    details: { digest },
  });
}

function corrupt(store: Store, digest: Digest): ClocheError {
  return new ClocheError('BLOB_CORRUPT', `blob '${digest}' in '${store.root}' has other content`, {
    hint: 'The disk or another program changed it; remove the image and make it again.',
    details: { digest },
  });
}
