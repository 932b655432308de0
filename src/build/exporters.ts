import {
  type ChainId,
  canonical,
  composeImage,
  type Digest,
  familiar,
  type Image,
  type ImageConfig,
  parseReference,
  type Store,
  withTag,
  writeImage,
} from '../image/index.ts';
import { type BuildOptions, type Built, build } from './build.ts';
import { imageConfig } from './image-config.ts';
import type { BuildRecord } from './record.ts';
import { CACHE_KEY, inlineDocument } from './shared-cache/index.ts';

/** An image, and how it came to be. */
export interface BuiltImage extends Pick<Image, 'id' | 'manifest' | 'tags'> {
  readonly record: BuildRecord;
}

/**
 * Builds an image from a Dockerfile: parse → graph → solve → image. The same input gives, as long
 * as the cache knows its steps, the same image.
 *
 * @throws {ClocheError} as `build`
 */
export function buildImage(store: Store, options: BuildOptions): Promise<BuiltImage & Image> {
  return build(store, options, async (built) => {
    const config = configOfBuilt(store, built, options);
    const names = namesOf(options);
    const step = built.steps.begin('exporting to image');
    const image = writeImage(store, config, names);
    step.note(`writing image ${image.id}`);
    for (const name of names) step.note(`naming to ${canonical(name)}`);
    step.done();
    return image;
  });
}

/**
 * Builds as `buildImage` does, and gives the image away: it is none of the store's, and its names go on
 * meaning there what they meant.
 *
 * @param take gets its manifest's digest and its names; its blobs stay until it has ended.
 */
export function buildAway(
  store: Store,
  options: BuildOptions,
  take: (manifest: Digest, names: readonly string[]) => Promise<void>,
): Promise<BuiltImage> {
  return build(store, options, async (built) => {
    const step = built.steps.begin('exporting to client');
    const { config, manifest } = composeImage(store, configOfBuilt(store, built, options));
    const tags = namesOf(options).map(familiar);
    await take(manifest, tags);
    step.done();
    return { id: config, manifest, tags };
  });
}

/**
 * Builds as `buildImage` does, and gives away the files instead of making an image of them.
 *
 * @param take gets the layers that they lie in, which stay until it has ended.
 */
export async function buildFiles(
  store: Store,
  options: BuildOptions,
  take: (chain: ChainId | undefined) => Promise<void>,
): Promise<BuildRecord> {
  const { record } = await build(store, options, async ({ graph, solved, steps }) => {
    const step = steps.begin('exporting to client');
    await take(solved.get(graph.result));
    step.done();
    return { id: null };
  });
  return record;
}

function namesOf({ tags = [] }: BuildOptions) {
  return tags.map((tag) => withTag(parseReference(tag)));
}

/** With `type=inline`, it says of the image's layers which steps gave them. */
function configOfBuilt(
  store: Store,
  { graph, solved, epoch, done }: Built,
  { cacheTo = [] }: BuildOptions,
): ImageConfig {
  const config = imageConfig(store, graph, solved, epoch);
  if (!cacheTo.some(({ type }) => type === 'inline')) return config;
  const document = inlineDocument(store, solved.get(graph.result), done);
  return { ...config, ...{ [CACHE_KEY]: document } };
}
