import { type DiffId, hashed, sha256 } from '../digest.ts';
import { type ActiveSnapshot, treeOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { type Compression, decompress } from './decompress.ts';
import { type Dressed, dress } from './dress.ts';
import { Extractor } from './extract.ts';
import { impliedBelow } from './growing.ts';
import { invalidTar } from './invalid.ts';
import { Limit } from './limit.ts';
import { TarReader } from './reader.ts';
import type { RawPath } from './scan.ts';

/** A layer's files on the disk, complete but for what `dress` gives them. */
export interface Files {
  readonly diffId: DiffId;
  readonly compression: Compression;
  /** Directories that no entry of the archive describes. */
  implied(): ReadonlySet<RawPath>;
  dress(): Promise<Dressed>;
}

export interface ExtractOptions {
  /** How many bytes of the body there were so far, against decompression bombs. */
  readonly came: { readonly size: number };
  /** Up to so many bytes the archive may grow however little came: see `Limit`. */
  readonly harmless?: number | undefined;
  /** Is shown every piece of the tar. */
  readonly onPiece?: ((piece: Buffer) => Promise<void>) | undefined;
  /** Whether the archive is somebody's file and no layer: then it may be xz or bzip2. */
  readonly programs?: boolean | undefined;
  /** False where `.wh.x` is a file's name and means nothing. */
  readonly whiteouts?: boolean | undefined;
}

/**
 * Unpacks a layer into an active snapshot's directory: decompression → diffID → tar → files.
 *
 * @throws {ClocheError} `LAYER_INVALID`, `LAYER_TOO_LARGE`, `COMPRESSION_UNSUPPORTED`
 */
export async function extract(
  store: Store,
  { upper, parent }: Pick<ActiveSnapshot, 'upper' | 'parent'>,
  body: AsyncIterable<Uint8Array>,
  { came, harmless, onPiece, programs, whiteouts }: ExtractOptions,
): Promise<Files> {
  const lower = parent === undefined ? undefined : treeOf(store, parent);
  const limit = new Limit(store.root, harmless);
  const extractor = new Extractor(upper, { lower, limit, whiteouts });
  const reader = new TarReader(extractor);
  const diff = sha256();
  let compression: Compression = 'none';
  const onKind = (kind: Compression) => {
    compression = kind;
  };
  try {
    for await (const piece of decompress(body, { onKind, programs })) {
      diff.update(piece);
      limit.grow(piece.length, came.size);
      reader.push(piece);
      await onPiece?.(piece);
    }
    reader.finish();
  } catch (error) {
    throw refused(error);
  } finally {
    extractor.close();
  }
  const diffId = hashed<DiffId>(diff);
  return {
    ...{ diffId, compression, implied: () => impliedBelow(extractor.root) },
    dress: () => dress(extractor, upper, lower),
  };
}

/** What the kernel says of names, sizes and numbers of links that no file can have. */
const REFUSED = ['ENAMETOOLONG', 'EFBIG', 'EINVAL', 'EILSEQ', 'ELOOP', 'EMLINK'];

function refused(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return REFUSED.includes(code ?? '') ? invalidTar(`cannot be unpacked: ${message}`) : error;
}
