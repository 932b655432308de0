import { existsSync, readFileSync, rmSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { digestOf } from '../digest.ts';
import type { Platform } from '../manifest.ts';
import { familiar, type Reference } from '../reference.ts';
import { blobPath, type Store } from '../store.ts';
import { readBlob } from './blobs.ts';
import {
  type ConfigDocument,
  type ManifestDocument,
  type Pointer,
  readConfig,
} from './documents.ts';
import type { LayerToPull } from './layers.ts';
import { MANIFEST_LIMIT } from './manifests.ts';
import { matches, platformName } from './platform.ts';
import type { Session } from './session.ts';

/** An image config, its bytes as they came. */
export interface FetchedConfig {
  readonly bytes: Uint8Array;
  readonly document: ConfigDocument;
}

/**
 * The config that a manifest points at, from the store if it is there.
 *
 * @throws {ClocheError} `REGISTRY_ANSWER_TOO_LARGE`, `MANIFEST_INVALID`; as `readBlob`
 */
export async function fetchConfig(
  store: Store,
  session: Session,
  name: Reference,
  blob: Pointer,
): Promise<FetchedConfig> {
  if (blob.size > MANIFEST_LIMIT) throw tooLarge(name, blob);
  const bytes =
    stored(store, blob) ?? Buffer.concat(await Array.fromAsync(readBlob(session, name, blob)));
  return { bytes, document: readConfig(bytes, familiar(name)) };
}

/** A blob of the store; one that something has damaged makes way for its successor. */
function stored(store: Store, { digest }: Pointer): Uint8Array | undefined {
  const path = blobPath(store, digest);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  if (digestOf(bytes) === digest) return bytes;
  rmSync(path);
  return undefined;
}

/** Each layer's blob with its diffID. @throws {ClocheError} `MANIFEST_INVALID` */
export function layersOf(
  name: Reference,
  { layers }: ManifestDocument,
  { document }: FetchedConfig,
): LayerToPull[] {
  const diffIds = document.rootfs.diff_ids;
  const pairs = layers.flatMap((blob, i) => {
    const diffId = diffIds[i];
    return diffId === undefined ? [] : [{ blob, diffId }];
  });
  if (pairs.length === layers.length && pairs.length === diffIds.length) return pairs;
  throw new ClocheError(
    'MANIFEST_INVALID',
    `'${familiar(name)}' has ${layers.length} layers, and its config knows of ${diffIds.length}`,
    { class: 'unavailable', hint: 'Push the image again if it is yours.' },
  );
}

/** For who asked for a platform. @throws {ClocheError} `PLATFORM_NOT_FOUND`, in docker's words */
export function verifyPlatform(
  name: Reference,
  { document }: FetchedConfig,
  wanted: Platform,
): void {
  if (matches(document, wanted)) return;
  throw new ClocheError(
    'PLATFORM_NOT_FOUND',
    `image with reference ${familiar(name)} was found but does not match the specified platform: wanted ${platformName(wanted)}, actual: ${platformName(document)}`,
    {
      class: 'not-found',
      hint: 'It exists for one platform only; leave --platform away to get it.',
    },
  );
}

function tooLarge(name: Reference, { size }: Pointer): ClocheError {
  return new ClocheError(
    'REGISTRY_ANSWER_TOO_LARGE',
    `the config of '${familiar(name)}' has ${size} bytes`,
    { class: 'unavailable', hint: 'Those of images have some thousands; is it one?' },
  );
}
