import { keptMounts } from '../../build/mounts/prune.ts';
import { directorySize } from '../../image/directory-size.ts';
import { type ChainId, findActive, listImages } from '../../image/index.ts';
import { cacheRows, closureOf } from '../../image/prune.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { allContainers, type Container } from '../life/records.ts';
import { listVolumes, usedVolumes } from '../volumes/index.ts';

/** How much of the disk one kind of thing takes, in bytes of files. */
export interface DiskUse {
  readonly kind: 'Images' | 'Containers' | 'Local Volumes' | 'Build Cache';
  readonly total: number;
  /** How many of them are in use. */
  readonly active: number;
  readonly size: number;
  /** Bytes that would be free if what is not in use were removed. */
  readonly reclaimable: number;
}

/** What docker's `system df` says. A layer that several share counts once. */
export function diskUse(engine: Engine): DiskUse[] {
  return [imagesUse(engine), containersUse(engine), volumesUse(engine), cacheUse(engine)];
}

function imagesUse(engine: Engine): DiskUse {
  const images = listImages(engine.store);
  const users = new Set(allContainers(engine).map(({ imageId }) => imageId));
  const active = images.filter(({ id }) => users.has(id));
  const size = (of: typeof images) =>
    sizeOf(
      engine,
      of.map(({ chainId }) => chainId),
    );
  const all = size(images);
  const reclaimable = all - size(active);
  return { kind: 'Images', total: images.length, active: active.length, size: all, reclaimable };
}

function containersUse(engine: Engine): DiskUse {
  const containers = allContainers(engine);
  const active = containers.filter(isAlive);
  const size = (of: readonly Container[]) =>
    of.reduce((sum, container) => sum + containerSize(engine, container), 0);
  const all = size(containers);
  return {
    kind: 'Containers',
    total: containers.length,
    active: active.length,
    size: all,
    reclaimable: all - size(active),
  };
}

function volumesUse(engine: Engine): DiskUse {
  const volumes = listVolumes(engine);
  const used = usedVolumes(engine);
  const active = volumes.filter(({ name }) => used.has(name));
  const size = (of: typeof volumes) => of.reduce((sum, { path }) => sum + directorySize(path), 0);
  const all = size(volumes);
  return {
    kind: 'Local Volumes',
    total: volumes.length,
    active: active.length,
    size: all,
    reclaimable: all - size(active),
  };
}

/** Layers that only the builder remembers (those of images are the images'), and cache mounts. */
function cacheUse(engine: Engine): DiskUse {
  const rows = cacheRows(engine.store);
  const images = listImages(engine.store).map(({ chainId }) => chainId);
  const chains = rows.map(({ chain }) => chain);
  const layers = sizeOf(engine, [...images, ...chains]) - sizeOf(engine, images);
  const mounts = keptMounts(engine.store);
  const size = mounts.reduce((sum, mount) => sum + mount.size, layers);
  const active = rows.filter(({ shared }) => shared).length;
  const total = rows.length + mounts.length;
  return { kind: 'Build Cache', total, active, size, reclaimable: size };
}

function sizeOf({ store }: Engine, tops: readonly (ChainId | undefined | null)[]): number {
  const closure = closureOf(store, tops);
  return store.db
    .query<{ chain: ChainId; size: number }, []>('SELECT chain, size FROM snapshots')
    .all()
    .reduce((sum, { chain, size }) => sum + (closure.has(chain) ? size : 0), 0);
}

/** Bytes that a container has written on top of its image. */
export function containerSize(engine: Engine, container: Container): number {
  const active = findActive(engine.store, container.snapshot);
  return active === undefined ? 0 : directorySize(active.upper);
}
