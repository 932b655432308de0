import { adoptImage } from '../adopt.ts';
import { type ChainId, chainOf, type DiffId, digestOf } from '../digest.ts';
import type { Image } from '../images.ts';
import { unpackArchive, unpackLayer } from '../layer/unpack.ts';
import { type Descriptor, MEDIA, type Platform } from '../manifest.ts';
import { familiar, parseReference, type Reference, withTag } from '../reference.ts';
import { readConfig } from '../registry/documents.ts';
import { OWN_PLATFORM } from '../registry/platform.ts';
import { findSnapshot, hasSnapshot } from '../snapshots.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { blobName, readBlob } from './blob-file.ts';
import { type Content, invalid } from './content.ts';
import { type FoundManifest, imagesOfIndex, manifestsOf } from './index-file.ts';
import { type DockerImage, readDockerManifest } from './manifest-file.ts';
import { type ContentOptions, openArchive, type Source } from './open.ts';

export interface LoadOptions extends ContentOptions {
  /** Of an image that is there for several; this machine's, if it is not given. */
  readonly platform?: Platform | undefined;
}

export interface Loaded {
  readonly image: Image;
  /** Familiar; empty for an image that the archive has no name for. */
  readonly names: readonly string[];
}

/**
 * Loads the images of an archive, whoever saved it: docker's form of old (`manifest.json` and plain
 * tars of layers), docker's of today (the same around an OCI layout), or an OCI layout with nested
 * indexes and platforms. Where there is an OCI manifest, digests stay as they are.
 *
 * @throws {ClocheError} `ARCHIVE_INVALID`, `MANIFEST_INVALID`, `PLATFORM_NOT_FOUND`, and as
 *   `unpackLayer`. Images before the faulty one stay.
 */
export async function loadImages(
  store: Store,
  source: Source,
  about: LoadOptions = {},
): Promise<Loaded[]> {
  return whileWorking(store.db, `load ${crypto.randomUUID()}`, async () => {
    const content = await openArchive(store, source, about);
    try {
      return await loadFrom(store, content, about);
    } finally {
      content.close();
    }
  });
}

async function loadFrom(store: Store, content: Content, about: LoadOptions): Promise<Loaded[]> {
  const loaded: Loaded[] = [];
  if (content.has('manifest.json')) {
    const known = content.has('index.json') ? manifestsOf(content) : [];
    for (const image of readDockerManifest(content.read('manifest.json'))) {
      const config = digestOf(content.read(image.config));
      const found = known.find(({ document }) => document.config.digest === config);
      const names = image.names.map((name) => withTag(parseReference(name)));
      loaded.push(
        found === undefined
          ? await loadDocker(store, content, image, names, about)
          : await loadOci(store, content, found, names, about),
      );
    }
  } else if (content.has('index.json')) {
    const platform = about.platform ?? OWN_PLATFORM;
    for (const { manifest, names } of imagesOfIndex(content, platform))
      loaded.push(await loadOci(store, content, manifest, names, about));
  } else throw invalid("it has neither 'manifest.json' nor 'index.json'");
  return loaded;
}

/** An image whose manifest is in the archive: all stays as it is. */
async function loadOci(
  store: Store,
  content: Content,
  { bytes, mediaType, document }: FoundManifest,
  names: readonly Reference[],
  about: LoadOptions,
): Promise<Loaded> {
  const config = readBlob(content, document.config.digest);
  const diffIds = diffIdsOf(config, names, document.layers.length);
  let parent: ChainId | undefined;
  for (const [i, diffId] of diffIds.entries()) {
    const descriptor = document.layers[i] as Descriptor;
    const blob = content.stream(blobName(descriptor.digest));
    const { chainId } = await unpackLayer(store, parent, { descriptor, diffId }, blob, {
      signal: about.signal,
    });
    parent = chainId;
  }
  const image = adoptImage(store, { manifest: bytes, config, mediaType }, names);
  return { image, names: names.map(familiar) };
}

/** An image of docker's old form: its config stays, its layers become blobs with a new manifest. */
async function loadDocker(
  store: Store,
  content: Content,
  { config: path, layers }: DockerImage,
  names: readonly Reference[],
  { signal }: LoadOptions,
): Promise<Loaded> {
  const config = content.read(path);
  const diffIds = diffIdsOf(config, names, layers.length);
  const blobs: Descriptor[] = [];
  let parent: ChainId | undefined;
  for (const [i, diffId] of diffIds.entries()) {
    const chainId = chainOf(parent, diffId);
    const snapshot = hasSnapshot(store, chainId)
      ? findSnapshot(store, chainId)
      : await unpackArchive(store, parent, content.stream(layers[i] ?? ''), { diffId, signal });
    blobs.push(snapshot.blob);
    parent = chainId;
  }
  const pointer = { mediaType: MEDIA.config, digest: digestOf(config), size: config.length };
  const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: pointer, layers: blobs };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const image = adoptImage(store, { manifest: bytes, config }, names);
  return { image, names: names.map(familiar) };
}

function diffIdsOf(config: Buffer, [name]: readonly Reference[], count: number): readonly DiffId[] {
  const shown = name === undefined ? 'the archive' : familiar(name);
  const { diff_ids: diffIds } = readConfig(config, shown).rootfs;
  if (diffIds.length !== count)
    throw invalid(`'${shown}' has ${count} layers, and its config knows of ${diffIds.length}`);
  return diffIds;
}
