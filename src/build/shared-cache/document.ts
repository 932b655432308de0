import {
  ARCHITECTURE,
  type ChainId,
  type Descriptor,
  type DiffId,
  type Digest,
  digestOf,
  findSnapshot,
  type ImageConfig,
  type Manifest,
  type Store,
  stackOf,
} from '../../image/index.ts';
import { MEDIA } from '../../image/manifest.ts';

/**
 * A build cache as others can fetch it: an image whose config says under one more key which steps gave
 * which of its layers. So an image carries the cache of its own steps (`type=inline`), and a cache
 * alone is an image that nobody runs, with the layers of all stages beside each other.
 */
export const CACHE_KEY = 'dev.cloche.cache';

/** A step that was done: the digest of its key (`cache.ts`), and the snapshot that it gave. */
export interface DoneStep {
  readonly key: Digest;
  readonly chain: ChainId;
}

/** What a config says under `CACHE_KEY`. */
export interface CacheDocument {
  readonly version: 1;
  readonly steps: readonly {
    readonly key: Digest;
    /** The image's layers by their number, lowest first: the snapshot that the step gave. */
    readonly layers: readonly number[];
  }[];
}

/** The steps as an image of that stack has their layers; the others are left out. */
export function inlineDocument(
  store: Store,
  image: ChainId | undefined,
  steps: readonly DoneStep[],
): CacheDocument {
  return {
    version: 1,
    steps: steps.flatMap(({ key, chain }) => {
      const layers = layersWithin(store, image, chain);
      return layers === undefined ? [] : [{ key, layers }];
    }),
  };
}

/**
 * Which of an image's layers, lowest first, are those of a snapshot: the ones that it stands on, or the
 * one that a COPY --link made apart; undefined if it is neither.
 */
export function layersWithin(
  store: Store,
  image: ChainId | undefined,
  chain: ChainId,
): readonly number[] | undefined {
  const stack = stackOf(store, image).reverse();
  const top = stack.findIndex((layer) => layer.chainId === chain);
  if (top >= 0) return Array.from({ length: top + 1 }, (_, i) => i);
  const { parent, diffId } = findSnapshot(store, chain);
  const apart = stack.findIndex((layer) => layer.diffId === diffId);
  return parent === undefined && apart >= 0 ? [apart] : undefined;
}

/** A cache alone: its manifest, and the bytes of its config. */
export function cacheImage(
  store: Store,
  steps: readonly DoneStep[],
): { readonly manifest: Manifest; readonly bytes: Buffer; readonly config: Buffer } {
  const layers: { readonly blob: Descriptor; readonly diffId: DiffId }[] = [];
  const numbers = new Map<ChainId, number>();
  const document: CacheDocument = {
    version: 1,
    steps: steps.map(({ key, chain }) => ({
      key,
      layers: stackOf(store, chain)
        .reverse()
        .map((layer) => {
          const known = numbers.get(layer.chainId);
          if (known !== undefined) return known;
          numbers.set(layer.chainId, layers.length);
          return layers.push(layer) - 1;
        }),
    })),
  };
  const about: ImageConfig = {
    ...{ architecture: ARCHITECTURE, os: 'linux', config: {}, history: [] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
  const config = Buffer.from(JSON.stringify({ ...about, [CACHE_KEY]: document }));
  const manifest: Manifest = {
    ...{ schemaVersion: 2, mediaType: MEDIA.manifest },
    config: { mediaType: MEDIA.config, digest: digestOf(config), size: config.length },
    layers: layers.map(({ blob }) => blob),
  };
  return { manifest, bytes: Buffer.from(JSON.stringify(manifest)), config };
}
