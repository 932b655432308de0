import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createZstdCompress } from 'node:zlib';
import { type Descriptor, LAYER_TYPES } from '../manifest.ts';
import { blobPath, type Store } from '../store.ts';
import { BlobWriter } from './blob.ts';
import { type Compression, decompress } from './decompress.ts';
import { GzipWriter } from './gzip.ts';

/**
 * Layers' blobs in another compression, as further blobs of the store; those that have it stay. The
 * diffIDs are the same, so whoever has the layers has them still. Must run within `whileWorking`.
 *
 * @throws {ClocheError} `LAYER_INVALID`; the signal's reason
 */
export async function recompressed(
  store: Store,
  layers: readonly Descriptor[],
  to: Compression,
  signal?: AbortSignal,
): Promise<Descriptor[]> {
  const all: Descriptor[] = [];
  for (const layer of layers) {
    const isAlready = layer.mediaType === LAYER_TYPES[to];
    all.push(isAlready ? layer : await recompress(store, layer, to, signal));
  }
  return all;
}

async function recompress(
  store: Store,
  { digest }: Descriptor,
  to: Compression,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const blob = new BlobWriter(store);
  try {
    const plain = decompress(createReadStream(blobPath(store, digest), { highWaterMark: 1 << 20 }));
    if (to === 'gzip') await intoGzip(plain, blob, signal);
    else
      for await (const piece of to === 'zstd' ? zstd(plain) : plain) {
        signal?.throwIfAborted();
        blob.write(piece);
      }
    await blob.sync();
    const written = { mediaType: LAYER_TYPES[to], digest: blob.digest(), size: blob.size };
    blob.adopt(written.digest);
    return written;
  } finally {
    blob.abort();
  }
}

async function intoGzip(
  plain: AsyncIterable<Buffer>,
  blob: BlobWriter,
  signal: AbortSignal | undefined,
): Promise<void> {
  const gzip = new GzipWriter(blob);
  try {
    for await (const piece of plain) {
      signal?.throwIfAborted();
      await gzip.write(piece);
    }
    await gzip.end();
  } finally {
    gzip.abort();
  }
}

function zstd(plain: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  return Readable.from(plain).compose(createZstdCompress()) as AsyncIterable<Buffer>;
}
