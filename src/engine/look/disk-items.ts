import { keptMounts } from '../../build/mounts/prune.ts';
import { directorySize } from '../../image/directory-size.ts';
import { type ChainId, type Image, listImages } from '../../image/index.ts';
import { cacheRows, closureOf } from '../../image/prune.ts';
import type { Engine } from '../engine.ts';
import { allContainers, type Container } from '../life/records.ts';
import { listVolumes, type Volume } from '../volumes/index.ts';
import { usersOf } from '../volumes/volumes.ts';
import { containerSize } from './disk-use.ts';

/** What docker's `system df -v` says of each thing; bytes of files. */
export interface DiskItems {
  readonly images: readonly ImageItem[];
  readonly containers: readonly { readonly container: Container; readonly size: number }[];
  readonly volumes: readonly {
    readonly volume: Volume;
    readonly size: number;
    /** How many containers have it. */
    readonly links: number;
  }[];
  readonly cache: readonly CacheItem[];
}

export interface ImageItem {
  readonly image: Image;
  /** Of layers that other images have, too, and of those that it has alone. */
  readonly shared: number;
  readonly unique: number;
  readonly containers: number;
}

export interface CacheItem {
  readonly id: string;
  /** What a step left, or a directory that is mounted into steps. */
  readonly kind: 'regular' | 'exec.cachemount';
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly used: number;
  /** An image has it, too. */
  readonly isShared: boolean;
}

export function diskItems(engine: Engine): DiskItems {
  const containers = allContainers(engine);
  return {
    images: imageItems(engine, containers),
    containers: containers.map((container) => ({
      container,
      size: containerSize(engine, container),
    })),
    volumes: listVolumes(engine).map((volume) => ({
      volume,
      size: directorySize(volume.path),
      links: usersOf(engine, volume.name).length,
    })),
    cache: cacheItems(engine),
  };
}

function imageItems({ store }: Engine, containers: readonly Container[]): ImageItem[] {
  const images = listImages(store);
  const layers = images.map(({ chainId }) => [...closureOf(store, [chainId])]);
  const users = new Map<ChainId, number>();
  for (const chain of layers.flat()) users.set(chain, (users.get(chain) ?? 0) + 1);
  const sizes = sizesOf(store);
  return images.map((image, i) => {
    const size = (isShared: boolean) =>
      (layers[i] ?? [])
        .filter((chain) => (users.get(chain) ?? 0) > 1 === isShared)
        .reduce((sum, chain) => sum + (sizes.get(chain) ?? 0), 0);
    const using = containers.filter(({ imageId }) => imageId === image.id);
    return { image, shared: size(true), unique: size(false), containers: using.length };
  });
}

function sizesOf({ db }: Engine['store']): Map<ChainId, number> {
  const rows = db
    .query<{ chain: ChainId; size: number }, []>('SELECT chain, size FROM snapshots')
    .all();
  return new Map(rows.map(({ chain, size }) => [chain, size]));
}

function cacheItems({ store }: Engine): CacheItem[] {
  return [
    ...cacheRows(store).map(({ key, size, used, shared }) => ({
      ...{ id: key, kind: 'regular' as const, size, used, isShared: shared },
    })),
    ...keptMounts(store).map(({ name, size, used }) => ({
      ...{ id: name, kind: 'exec.cachemount' as const, size, used, isShared: false },
    })),
  ];
}
