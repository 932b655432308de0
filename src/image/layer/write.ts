import { type DiffId, hashed, sha256 } from '../digest.ts';
import { type Descriptor, MEDIA } from '../manifest.ts';
import type { Store } from '../store.ts';
import { archive, type Changeset } from './archive.ts';
import { BlobWriter } from './blob.ts';
import { GzipWriter } from './gzip.ts';

/** Bytes. */
const BATCH = 1 << 18;

/** A layer in the content store. */
export interface Layer {
  readonly diffId: DiffId;
  readonly blob: Descriptor;
  /** Bytes of its files, unpacked. */
  readonly size: number;
}

/** Writes a changeset into the store as a compressed layer, of which few pieces are in memory. */
export async function writeLayer(store: Store, changeset: Changeset): Promise<Layer> {
  const blob = new BlobWriter(store);
  const gzip = new GzipWriter(blob);
  const diff = sha256();
  try {
    for (const batch of batched(archive(changeset))) {
      diff.update(batch);
      await gzip.write(batch);
    }
    await gzip.end();
    await blob.sync();
    const digest = blob.digest();
    blob.adopt(digest);
    const { size } = blob;
    const written = { mediaType: MEDIA.layer, digest, size };
    return { diffId: hashed<DiffId>(diff), blob: written, size: changeset.size };
  } finally {
    gzip.abort();
    blob.abort();
  }
}

/** Puts small pieces together: 17 000 writes to zlib cost a second more than 500 do. */
export function* batched(pieces: Iterable<Buffer>): Generator<Buffer> {
  let batch: Buffer[] = [];
  let size = 0;
  for (const piece of pieces) {
    batch.push(piece);
    size += piece.length;
    if (size < BATCH) continue;
    yield Buffer.concat(batch, size);
    [batch, size] = [[], 0];
  }
  yield Buffer.concat(batch, size);
}
