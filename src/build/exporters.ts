import type { ManifestForm } from '../image/images.ts';
import {
  type ChainId,
  canonical,
  chainOfAll,
  composeImage,
  type Descriptor,
  type Digest,
  familiar,
  type Image,
  type ImageConfig,
  parseReference,
  type Store,
  stackOf,
  withTag,
  writeImage,
} from '../image/index.ts';
import type { Compression } from '../image/layer/decompress.ts';
import { describe } from '../image/layout.ts';
import { type BuildOptions, type Built, build } from './build.ts';
import { imageConfig } from './image-config.ts';
import { hasInlineCache } from './predefined.ts';
import type { BuildRecord } from './record.ts';
import { CACHE_KEY, inlineDocument } from './shared-cache/index.ts';

/** What a build's result was made into; `id` is null where that is no image. */
export type Exported = Pick<Image, 'id' | 'manifest'> | { readonly id: null };

/** An image that was made, as an index would point at it. */
export interface DescribedImage extends Pick<Image, 'id'> {
  readonly descriptor: Descriptor;
}

/** What is made of a build's result. */
export type Export<T extends Exported = Exported> = (built: Built) => Promise<T>;

/**
 * Builds an image from a Dockerfile: parse → graph → solve → image. The same input gives, as long
 * as the cache knows its steps, the same image.
 *
 * @throws {ClocheError} as `build`
 */
export function buildImage(
  store: Store,
  options: BuildOptions,
): Promise<Image & { readonly record: BuildRecord }> {
  return build(store, options, toImage(store, options));
}

/** Builds once, and makes all that is asked for of the result, one after the other. @throws as `build` */
export async function buildEach(
  store: Store,
  options: BuildOptions,
  exports: readonly Export[],
): Promise<{ readonly images: readonly DescribedImage[]; readonly record: BuildRecord }> {
  return build(store, options, async (built) => {
    const images: DescribedImage[] = [];
    for (const make of exports) {
      const made = await make(built);
      if (made.id === null) continue;
      // Now, since the blobs of one that is given away stay no longer than this.
      images.push({ id: made.id, descriptor: describe(store, made.manifest, null) });
    }
    return { images, id: images[0]?.id ?? null };
  });
}

/** How an image is written, where that is not as always. */
export interface ImageForm {
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Of all its layers. */
  readonly compression?: Compression | undefined;
}

/** An image of the store, with the names of `options`. */
export function toImage(store: Store, options: BuildOptions, form: ImageForm = {}): Export<Image> {
  return async (built) => {
    const config = configOfBuilt(store, built, options);
    const names = namesOf(options);
    const step = built.steps.begin('exporting to image');
    const image = writeImage(store, config, names, await formOf(store, config, form, options));
    step.note(`writing image ${image.id}`);
    for (const name of names) step.note(`naming to ${canonical(name)}`);
    step.done();
    return image;
  };
}

/**
 * An image that is given away: it is none of the store's, and its names go on meaning there what they
 * meant.
 *
 * @param take gets its manifest's digest and its names; its blobs stay until it has ended.
 */
export function toClient(
  store: Store,
  options: BuildOptions,
  take: (manifest: Digest, names: readonly string[]) => Promise<void>,
  form: ImageForm = {},
): Export {
  return async (built) => {
    const step = built.steps.begin('exporting to client');
    const about = configOfBuilt(store, built, options);
    const { config, manifest } = composeImage(
      ...([store, about, await formOf(store, about, form, options)] as const),
    );
    await take(manifest, namesOf(options).map(familiar));
    step.done();
    return { id: config, manifest };
  };
}

/**
 * The files instead of an image of them.
 *
 * @param take gets the layers that they lie in, which stay until it has ended.
 */
export function toFiles(take: (chain: ChainId | undefined) => Promise<void>): Export {
  return async ({ graph, solved, steps }) => {
    const step = steps.begin('exporting to client');
    await take(solved.get(graph.result));
    step.done();
    return { id: null };
  };
}

async function formOf(
  store: Store,
  { rootfs }: ImageConfig,
  { annotations, compression }: ImageForm,
  { signal }: BuildOptions,
): Promise<ManifestForm> {
  if (compression === undefined) return { annotations };
  // Loaded when needed: hardly anybody asks for it.
  const { recompressed } = await import('../image/layer/recompress.ts');
  const stack = stackOf(store, chainOfAll(rootfs.diff_ids)).reverse();
  const blobs = stack.map(({ blob }) => blob);
  return { annotations, layers: await recompressed(store, blobs, compression, signal) };
}

function namesOf({ tags = [] }: BuildOptions) {
  return tags.map((tag) => withTag(parseReference(tag)));
}

/** With an inline cache, it says of the image's layers which steps gave them. */
function configOfBuilt(
  store: Store,
  { graph, solved, epoch, done }: Built,
  { cacheTo = [], buildArgs = {} }: BuildOptions,
): ImageConfig {
  const config = imageConfig(store, graph, solved, epoch);
  if (!hasInlineCache(cacheTo, buildArgs)) return config;
  const document = inlineDocument(store, solved.get(graph.result), done);
  return { ...config, ...{ [CACHE_KEY]: document } };
}
