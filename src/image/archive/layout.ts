import { constants, copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, hexOf } from '../digest.ts';
import { type Index, type Manifest, MEDIA } from '../manifest.ts';
import { writeFileAtomically } from '../state/atomic.ts';
import { blobPath, type Store } from '../store.ts';

/**
 * Writes a manifest with its blobs into a directory in OCI layout, which is made if it is not there;
 * blobs that lie in it stay. The index comes last, and at once: a reader finds the old one or the new.
 *
 * @param tag what the index calls it; another one of that name is named no longer
 */
export function writeLayout(
  store: Store,
  directory: string,
  manifest: Manifest,
  { bytes, digest, tag }: { bytes: Uint8Array; digest: Manifest['config']['digest']; tag: string },
): void {
  writeBlobs(store, directory, manifest, { bytes, digest });
  const entry = {
    ...{ mediaType: manifest.mediaType, digest, size: bytes.length },
    annotations: { 'org.opencontainers.image.ref.name': tag },
  };
  const index: Index = { schemaVersion: 2, mediaType: MEDIA.index, manifests: [entry] };
  writeTop(directory, index);
}

/** A manifest and what it points at. */
export function writeBlobs(
  store: Store,
  directory: string,
  { config, layers }: Manifest,
  { bytes, digest }: { readonly bytes: Uint8Array; readonly digest: Digest },
): void {
  const blobs = join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  for (const blob of [config, ...layers]) {
    const target = join(blobs, hexOf(blob.digest));
    if (!existsSync(target)) copyBlob(blobPath(store, blob.digest), target);
  }
  writeFileAtomically(join(blobs, hexOf(digest)), bytes);
}

/** The index, at once: what it points at must be there. */
export function writeTop(directory: string, index: unknown): void {
  const version = JSON.stringify({ imageLayoutVersion: '1.0.0' });
  writeFileAtomically(join(directory, 'oci-layout'), version);
  writeFileAtomically(join(directory, 'index.json'), JSON.stringify(index));
}

/** Under a name of its own first: what has a digest's name is whole. */
function copyBlob(from: string, to: string): void {
  const temporary = `${to}.${process.pid}.part`;
  copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
  renameSync(temporary, to);
}
