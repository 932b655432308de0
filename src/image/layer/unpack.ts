import { existsSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type ChainId, chainOf, type DiffId } from '../digest.ts';
import { type Descriptor, LAYER_TYPES, MEDIA, verifyLayerType } from '../manifest.ts';
import {
  type ActiveSnapshot,
  discard,
  findSnapshot,
  hasSnapshot,
  prepare,
  type Snapshot,
  settle,
} from '../snapshots.ts';
import { blobPath, type Store } from '../store.ts';
import { BlobWriter } from './blob.ts';
import { count } from './count.ts';
import { extract } from './files.ts';
import { GzipWriter } from './gzip.ts';

export interface UnpackOptions {
  /** Called with the bytes of the body that have come so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The body is that of a blob that is in the store when its end has been read. */
  readonly isStored?: boolean | undefined;
  /** Up to so many bytes a layer may grow however small its blob is; 4 GiB, if nothing is said. */
  readonly harmless?: number | undefined;
}

/**
 * A layer's blob becomes a committed snapshot on top of `parent`, in one pass and without a copy of
 * the tar: body → blob and its sha256 → decompression → diffID → files. What is in the store already
 * is returned, and `body` is not read. Whatever fails, the store is as it was before.
 *
 * Must run within `whileWorking`, so that the blob is not collected before an image needs it.
 *
 * @throws {ClocheError} `MEDIA_TYPE_UNSUPPORTED`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`,
 *   `DIFF_ID_MISMATCH`, `LAYER_INVALID`, `LAYER_TOO_LARGE`, `COMPRESSION_UNSUPPORTED`, `DISK_FULL`;
 *   the signal's reason; what `body` throws.
 */
export async function unpackLayer(
  store: Store,
  parent: ChainId | undefined,
  layer: { readonly descriptor: Descriptor; readonly diffId: DiffId },
  body: AsyncIterable<Uint8Array>,
  about: UnpackOptions = {},
): Promise<Snapshot> {
  const { descriptor, diffId } = layer;
  verifyLayerType(descriptor);
  const chainId = chainOf(parent, diffId);
  const isThere = existsSync(blobPath(store, descriptor.digest));
  if (hasSnapshot(store, chainId) && isThere) return findSnapshot(store, chainId);
  const blob = new BlobWriter(store, about.isStored !== true);
  return unpacking(store, parent, blob, async (active) => {
    const taken = take(blob, descriptor, body, about);
    try {
      const { harmless } = about;
      const files = await extract(store, active, unclosed(taken), { came: blob, harmless }).catch(
        async (error) => {
          // A blob that is not what was asked for explains whatever its archive says.
          if (error.code === 'LAYER_INVALID') await verify(taken, blob, descriptor);
          throw error;
        },
      );
      await verify(taken, blob, descriptor);
      if (files.diffId !== diffId) throw mismatch('DIFF_ID', diffId, files.diffId);
      const dressed = await whileSyncing(blob, files.dress());
      blob.adopt(descriptor.digest);
      const { digest, size } = descriptor;
      const mediaType = LAYER_TYPES[files.compression];
      return settle(store, active, { ...dressed, diffId, blob: { mediaType, digest, size } });
    } finally {
      await taken.return(undefined);
    }
  });
}

/**
 * As `unpackLayer` for an archive of which nobody has said digest and size: `cloche import`, and the
 * layers of `docker save`, which are not compressed. The blob is gzipped while it is unpacked.
 *
 * @throws {ClocheError} as `unpackLayer`; `DIFF_ID_MISMATCH` where a diffID is given.
 */
export async function unpackArchive(
  store: Store,
  parent: ChainId | undefined,
  body: AsyncIterable<Uint8Array>,
  about: UnpackOptions & { readonly diffId?: DiffId | undefined } = {},
): Promise<Snapshot> {
  const blob = new BlobWriter(store);
  return unpacking(store, parent, blob, async (active) => {
    const gzip = new GzipWriter(blob);
    const counted = count(body, about);
    try {
      const onPiece = (piece: Buffer) => gzip.write(piece);
      const files = await extract(store, active, counted.body, {
        came: counted,
        onPiece,
        ...{ programs: true, harmless: about.harmless },
      });
      const { diffId } = files;
      if (about.diffId !== undefined && diffId !== about.diffId)
        throw mismatch('DIFF_ID', about.diffId, diffId);
      await gzip.end();
      const dressed = await whileSyncing(blob, files.dress());
      const written = { mediaType: MEDIA.layer, digest: blob.digest(), size: blob.size };
      blob.adopt(written.digest);
      return settle(store, active, { ...dressed, diffId, blob: written });
    } finally {
      await counted.close();
      gzip.abort();
    }
  });
}

/** A snapshot and a blob in the making; neither is left if `action` fails. */
async function unpacking(
  store: Store,
  parent: ChainId | undefined,
  blob: BlobWriter,
  action: (active: ActiveSnapshot) => Promise<Snapshot>,
): Promise<Snapshot> {
  try {
    const active = prepare(store, parent);
    try {
      return await action(active);
    } catch (error) {
      discard(store, active);
      throw error;
    }
  } finally {
    blob.abort();
  }
}

/** Waits for the files and for the disk, also if one of them fails. */
async function whileSyncing<T>(blob: BlobWriter, dressing: Promise<T>): Promise<T> {
  const synced = blob.sync();
  await Promise.allSettled([dressing, synced]);
  await synced;
  return dressing;
}

/** The body on its way into the blob, never more of it than there should be. */
async function* take(
  blob: BlobWriter,
  { size }: Descriptor,
  body: AsyncIterable<Uint8Array>,
  { onProgress, signal }: UnpackOptions,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    signal?.throwIfAborted();
    if (blob.size + chunk.length > size) throw mismatch('SIZE', size, `more than ${size}`);
    blob.write(chunk);
    onProgress?.(blob.size);
    yield chunk;
  }
}

/** The same for readers who give up early: what is left can still be read. */
function unclosed<T>(generator: AsyncGenerator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => generator.next() }) };
}

/** Reads what is left, and compares the whole. */
async function verify(
  rest: AsyncIterable<Uint8Array>,
  blob: BlobWriter,
  { size, digest }: Descriptor,
): Promise<void> {
  for await (const _ of rest);
  if (blob.size !== size) throw mismatch('SIZE', size, blob.size);
  const found = blob.digest();
  if (found !== digest) throw mismatch('DIGEST', digest, found);
}

function mismatch(
  what: 'SIZE' | 'DIGEST' | 'DIFF_ID',
  wanted: string | number,
  found: string | number,
): ClocheError {
  const words = { SIZE: 'size', DIGEST: 'digest', DIFF_ID: 'diffID' }[what];
  return new ClocheError(
    `${what}_MISMATCH`,
    `the layer has the ${words} ${found}, and ${wanted} was said`,
    {
      class: 'invalid-argument',
      hint: 'It was damaged on its way, or the image is wrong; nothing of it was kept.',
      details: { wanted, found },
    },
  );
}
