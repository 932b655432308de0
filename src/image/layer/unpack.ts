import { existsSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type ChainId, chainOf, type DiffId, hashed, sha256 } from '../digest.ts';
import { type Descriptor, LAYER_TYPES, verifyLayerType } from '../manifest.ts';
import {
  type ActiveSnapshot,
  discard,
  findSnapshot,
  hasSnapshot,
  prepare,
  type Snapshot,
  settle,
  treeOf,
} from '../snapshots.ts';
import { blobPath, type Store } from '../store.ts';
import { BlobWriter } from './blob.ts';
import { type Compression, decompress } from './decompress.ts';
import { type Dressed, dress } from './dress.ts';
import { Extractor } from './extract.ts';
import { invalidTar } from './invalid.ts';
import { Limit } from './limit.ts';
import { TarReader } from './reader.ts';

export interface UnpackOptions {
  /** Called with the bytes of the blob that have come so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
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
  const active = prepare(store, parent);
  const blob = new BlobWriter(store);
  const taken = take(blob, descriptor, body, about);
  try {
    const files = await extract(store, active, unclosed(taken), blob).catch(async (error) => {
      // A blob that is not what was asked for explains whatever its archive says.
      if (error.code === 'LAYER_INVALID') await verify(taken, blob, descriptor);
      throw error;
    });
    await verify(taken, blob, descriptor);
    if (files.diffId !== diffId) throw mismatch('DIFF_ID', diffId, files.diffId);
    const [dressed] = await Promise.all([files.dress(), blob.adopt(descriptor.digest)]);
    const { digest, size } = descriptor;
    const mediaType = LAYER_TYPES[files.compression];
    return settle(store, active, { ...dressed, diffId, blob: { mediaType, digest, size } });
  } catch (error) {
    discard(store, active);
    throw error;
  } finally {
    await taken.return(undefined);
    blob.abort();
  }
}

/** A layer's files, unpacked but for what `dress` gives them. */
interface Files {
  readonly diffId: DiffId;
  readonly compression: Compression;
  dress(): Promise<Dressed>;
}

async function extract(
  store: Store,
  { upper, parent }: ActiveSnapshot,
  body: AsyncIterable<Uint8Array>,
  blob: { readonly size: number },
): Promise<Files> {
  const lower = parent === undefined ? undefined : treeOf(store, parent);
  const limit = new Limit(store.root);
  const extractor = new Extractor(upper, lower, limit);
  const reader = new TarReader(extractor);
  const diff = sha256();
  let compression: Compression = 'none';
  const onKind = (kind: Compression) => {
    compression = kind;
  };
  try {
    for await (const piece of decompress(body, onKind)) {
      diff.update(piece);
      limit.grow(piece.length, blob.size);
      reader.push(piece);
    }
    reader.finish();
  } catch (error) {
    throw REFUSED.includes((error as NodeJS.ErrnoException).code ?? '')
      ? invalidTar(`cannot be unpacked: ${(error as Error).message}`)
      : error;
  } finally {
    extractor.abort();
  }
  const diffId = hashed<DiffId>(diff);
  return { diffId, compression, dress: () => dress(extractor, upper, lower) };
}

/** What the kernel says of names and sizes that no file can have. */
const REFUSED = ['ENAMETOOLONG', 'EFBIG', 'EINVAL', 'EILSEQ', 'ELOOP'];

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
      hint: 'It was damaged on its way, or the image is wrong; nothing of it was kept.',
      details: { wanted, found },
    },
  );
}
