import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { invalidTar } from './invalid.ts';
import { type Program, throughProgram, unsupported } from './program.ts';

/** Bytes; the pieces that come out are as large. */
const PIECE = 1 << 18;

/** How a layer is compressed. */
export type Compression = 'gzip' | 'zstd' | 'none';

export interface DecompressOptions {
  /** Told how the layer is compressed, unless a program reads it. */
  readonly onKind?: ((kind: Compression) => void) | undefined;
  /** Whether xz and bzip2, which are not for layers of an image, may be read by their programs. */
  readonly programs?: boolean | undefined;
}

/**
 * The uncompressed bytes of a layer, whichever way it was compressed. The media type is not asked: what
 * it says is often wrong, and docker looks at the first bytes too. gzip may have many members. It
 * reads `body` as far as it needs it, and does not close it.
 *
 * @throws {ClocheError} `COMPRESSION_UNSUPPORTED`; `LAYER_INVALID`: the stream is damaged.
 */
export async function* decompress(
  body: AsyncIterable<Uint8Array>,
  { onKind, programs }: DecompressOptions = {},
): AsyncGenerator<Buffer> {
  const { first, rest } = await peek(body, 6);
  const kind = compressionOf(first);
  if (kind === 'xz' || kind === 'bzip2') {
    if (programs !== true) throw unsupported(kind, 'Layers are plain tar, gzip or zstd.');
    yield* throughProgram(kind, rest);
    return;
  }
  onKind?.(kind);
  if (kind === 'none') for await (const chunk of rest) yield asBuffer(chunk);
  else if (kind === 'gzip') yield* piped(rest, createGunzip({ chunkSize: PIECE }), kind);
  else yield* piped(rest, createZstdDecompress({ chunkSize: PIECE }), kind);
}

const MAGIC: readonly (readonly [Compression | Program, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** By the first six bytes. */
export function compressionOf(first: Uint8Array): Compression | Program {
  // zstd's frames for applications may come first (RFC 8878, 3.1.2).
  const isSkippable = first[1] === 0x2a && first[2] === 0x4d && first[3] === 0x18;
  if (isSkippable && ((first[0] ?? 0) & 0xf0) === 0x50) return 'zstd';
  const found = MAGIC.find(([, magic]) => magic.every((byte, i) => first[i] === byte));
  return found?.[0] ?? 'none';
}

async function* piped(
  body: AsyncIterable<Uint8Array>,
  through: Transform,
  kind: Compression,
): AsyncGenerator<Buffer> {
  let failure: unknown;
  const feed = async () => {
    for await (const chunk of body) {
      // What comes after the stream's own end is not its business.
      if (through.destroyed || through.readableEnded) return;
      if (!through.write(chunk)) await drained(through);
    }
    through.end();
  };
  const fed = feed().catch((error: unknown) => {
    failure = error;
    through.destroy(error as Error);
  });
  let isEmpty = true;
  try {
    for await (const chunk of through) {
      isEmpty = false;
      yield chunk as Buffer;
    }
  } catch (error) {
    throw failure ?? invalidTar(`is damaged: ${kind} says ${(error as Error).message}`);
  } finally {
    through.destroy();
    await fed;
  }
  if (failure !== undefined) throw failure;
  // Bun's zstd says nothing when its first block is cut off.
  if (isEmpty && kind === 'zstd') throw invalidTar('is damaged: zstd ends too early');
}

function drained(through: Transform): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      through.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    through.on('drain', done).on('close', done).on('error', done);
  });
}

/** The first bytes (fewer if there are no more), and the same body from its beginning. */
async function peek(body: AsyncIterable<Uint8Array>, count: number) {
  const iterator = body[Symbol.asyncIterator]();
  let first: Buffer = Buffer.alloc(0);
  while (first.length < count) {
    const next = await iterator.next();
    if (next.done === true) break;
    first = first.length === 0 ? asBuffer(next.value) : Buffer.concat([first, next.value]);
  }
  const rest = async function* (): AsyncGenerator<Uint8Array> {
    yield first;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
      yield next.value;
  };
  return { first, rest: rest() };
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
