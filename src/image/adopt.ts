import { ClocheError } from '../error.ts';
import { chainOfAll, type DiffId, type Digest, digestOf } from './digest.ts';
import { type Image, insertImage, platformOf } from './images.ts';
import { type Manifest, MEDIA, plainConfig } from './manifest.ts';
import type { Reference } from './reference.ts';
import { stackOf } from './snapshots.ts';
import { type Store, writeBlob } from './store.ts';

/** An image that others made: its documents as they were sent, to the byte. */
export interface Foreign {
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
  /** Of the manifest, where it does not say so itself. */
  readonly mediaType?: string | undefined;
}

/**
 * Makes an image of documents whose layers have been unpacked (`unpackLayer`), and names it. The
 * bytes are kept, and so are the image's id and the manifest's digest. Their form must have been
 * checked; here is checked that they belong together.
 *
 * Must run within `whileWorking`, as `writeImage`.
 *
 * @throws {ClocheError} `IMAGE_INVALID`, `SNAPSHOT_NOT_FOUND`
 */
export function adoptImage(
  store: Store,
  { manifest, config, mediaType }: Foreign,
  names: readonly Reference[] = [],
): Image {
  const document: Partial<Manifest> = parse(manifest, 'manifest');
  const about = plainConfig(parse(config, 'config'));
  const diffIds = about.rootfs.diff_ids;
  verifyPair(document, digestOf(config), diffIds);
  const chainId = chainOfAll(diffIds);
  const stack = stackOf(store, chainId);
  const written = Date.parse(about.created ?? '');
  return insertImage(store, names, {
    manifest: writeBlob(store, manifest),
    config: writeBlob(store, config),
    chainId,
    size: stack.reduce((sum, snapshot) => sum + snapshot.size, 0),
    // Docker's zero time, `0001-01-01`, means that nobody knows.
    created: Number.isNaN(written) ? 0 : Math.max(written, 0),
    mediaType: document.mediaType ?? mediaType ?? MEDIA.manifest,
    platform: platformOf(about),
  });
}

function verifyPair(
  { config, layers }: Partial<Manifest>,
  digest: Digest,
  diffIds: readonly DiffId[],
): void {
  if (config?.digest !== digest)
    throw invalid(`the manifest's config is '${config?.digest}', but '${digest}' is given`);
  if (layers?.length !== diffIds.length)
    throw invalid(`the manifest has ${layers?.length} layers, its config ${diffIds.length}`);
}

function parse<T>(content: Uint8Array, what: string): T {
  try {
    return JSON.parse(Buffer.from(content).toString('utf8')) as T;
  } catch (cause) {
    throw invalid(`its ${what} is no JSON`, cause);
  }
}

function invalid(reason: string, cause?: unknown): ClocheError {
  return new ClocheError('IMAGE_INVALID', `the image is invalid: ${reason}`, {
    class: 'invalid-argument',
    hint: 'It was damaged on its way, or made wrongly; fetch or make it again.',
    cause,
  });
}
