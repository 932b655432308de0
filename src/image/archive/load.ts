import { existsSync } from 'node:fs';
import { adoptImage } from '../adopt.ts';
import { type ChainId, chainOf, type DiffId, digestOf } from '../digest.ts';
import type { Image } from '../images.ts';
import { unpackArchive, unpackLayer } from '../layer/unpack.ts';
import { MEDIA, type Platform } from '../manifest.ts';
import { familiar, parseReference, type Reference, withTag } from '../reference.ts';
import { readConfig } from '../registry/documents.ts';
import { OWN_PLATFORM } from '../registry/platform.ts';
import { type OnTransfer, shortId } from '../registry/progress.ts';
import type { RemoteImage } from '../remote.ts';
import { findSnapshot, hasSnapshot, type Snapshot } from '../snapshots.ts';
import { whileWorking } from '../state/work.ts';
import { blobPath, type Store } from '../store.ts';
import { blobName, readBlob } from './blob-file.ts';
import { type Content, invalid } from './content.ts';
import { type FoundManifest, imageOfIndex, imagesOfIndex, manifestsOf } from './index-file.ts';
import { type DockerImage, readDockerManifest } from './manifest-file.ts';
import { type ContentOptions, openArchive, openLayout, type Source } from './open.ts';

export interface LoadOptions extends ContentOptions {
  /** Of an image that is there for several; this machine's, if it is not given. */
  readonly platform?: Platform | undefined;
  /** Told how far a layer is. */
  readonly onEvent?: OnTransfer | undefined;
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

/**
 * Takes over one image of a directory in OCI layout, without a name.
 *
 * @param which its digest, name or tag; without it the only one there is
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, and as `loadImages`
 */
export async function loadLayout(
  store: Store,
  directory: string,
  which: string | undefined,
  about: LoadOptions = {},
): Promise<Image> {
  return whileWorking(store.db, `load ${crypto.randomUUID()}`, async () => {
    const content = openLayout(directory);
    const manifest = imageOfIndex(content, which, about.platform ?? OWN_PLATFORM);
    return (await loadOci(store, content, manifest, [], about)).image;
  });
}

/**
 * The documents of one image of a directory in OCI layout; its layers are read when they are asked for.
 *
 * @throws as `loadLayout`
 */
export function openLayoutImage(directory: string, which: string | undefined): RemoteImage {
  const content = openLayout(directory);
  const { document } = imageOfIndex(content, which, OWN_PLATFORM);
  return {
    manifest: document,
    config: readBlob(content, document.config.digest),
    read: ({ digest }) => content.stream(blobName(digest)),
  };
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
  await eachLayer(config, names, document.layers, (descriptor, diffId, parent) => {
    const path = blobName(descriptor.digest);
    const options = { signal: about.signal, onProgress: teller(about, diffId, descriptor.size) };
    return unpackLayer(store, parent, { descriptor, diffId }, content.stream(path), options);
  });
  const image = adoptImage(store, { manifest: bytes, config, mediaType }, names);
  return { image, names: names.map(familiar) };
}

/** An image of docker's old form: its config stays, its layers become blobs with a new manifest. */
async function loadDocker(
  store: Store,
  content: Content,
  { config: configPath, layers }: DockerImage,
  names: readonly Reference[],
  about: LoadOptions,
): Promise<Loaded> {
  const config = content.read(configPath);
  const stack = await eachLayer(config, names, layers, async (path, diffId, parent) => {
    const chainId = chainOf(parent, diffId);
    const known = hasSnapshot(store, chainId) ? findSnapshot(store, chainId) : undefined;
    if (known !== undefined && existsSync(blobPath(store, known.blob.digest))) return known;
    const onProgress = teller(about, diffId, content.sizeOf(path));
    const options = { diffId, signal: about.signal, onProgress };
    return unpackArchive(store, parent, content.stream(path), options);
  });
  const pointer = { mediaType: MEDIA.config, digest: digestOf(config), size: config.length };
  const blobs = stack.map(({ blob }) => blob);
  const manifest = { schemaVersion: 2, mediaType: MEDIA.manifest, config: pointer, layers: blobs };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const image = adoptImage(store, { manifest: bytes, config }, names);
  return { image, names: names.map(familiar) };
}

/** Unpacks layers, the lowest first, each on top of the one before. */
async function eachLayer<L>(
  config: Buffer,
  [name]: readonly Reference[],
  layers: readonly L[],
  unpack: (layer: L, diffId: DiffId, parent: ChainId | undefined) => Promise<Snapshot>,
): Promise<Snapshot[]> {
  const shown = name === undefined ? 'the archive' : familiar(name);
  const { diff_ids: diffIds } = readConfig(config, shown).rootfs;
  const stack: Snapshot[] = [];
  for (const [i, layer] of layers.entries()) {
    const diffId = diffIds[i];
    if (diffId === undefined || diffIds.length !== layers.length)
      throw invalid(
        `'${shown}' has ${layers.length} layers, and its config knows of ${diffIds.length}`,
      );
    stack.push(await unpack(layer, diffId, stack.at(-1)?.chainId));
  }
  return stack;
}

/** Bytes between two words about a layer's progress. */
const STRIDE = 1 << 20;

/** Tells of a layer in docker's words. */
function teller({ onEvent }: LoadOptions, diffId: DiffId, total: number) {
  let next = 0;
  return (current: number) => {
    if (current < next && current !== total) return;
    next = current + STRIDE;
    onEvent?.({ id: shortId(diffId), status: 'Loading layer', progressDetail: { current, total } });
  };
}
