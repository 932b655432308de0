import type { ClocheError } from '../../error.ts';
import type { ChainId, Digest, Store } from '../../image/index.ts';
import { canonical } from '../../image/reference.ts';
import type { RemoteImage } from '../../image/remote.ts';
import type { Progress, StepProgress } from '../progress.ts';
import type { CacheConfig } from './read.ts';
import type { CacheSource } from './spec.ts';

/** What others have built, to be had instead of building it. */
export interface SharedCache {
  /**
   * The snapshot of a step with this key, its layers brought here; undefined if nobody has it, or
   * what they have cannot be had: then that is noted.
   */
  fetch(key: Digest, step: StepProgress, signal: AbortSignal): Promise<ChainId | undefined>;
}

interface Found {
  readonly remote: RemoteImage;
  readonly diffIds: CacheConfig['diffIds'];
  readonly layers: readonly number[];
}

/**
 * Reads what is in the caches; their layers stay where they are until a step wants them. One that
 * cannot be read is said and left out: a build can do without.
 */
export async function openCaches(
  store: Store,
  sources: readonly CacheSource[],
  steps: Progress,
  signal: AbortSignal,
): Promise<SharedCache> {
  const known = new Map<Digest, Found>();
  for (const source of sources) {
    const step = steps.begin(`importing cache manifest from ${shown(source)}`);
    try {
      // What reads others' documents takes a while to load, and most builds have none.
      const { readCacheConfig } = await import('./read.ts');
      const remote = await open(store, source, signal);
      const { diffIds, document } = readCacheConfig(remote.config);
      for (const { key, layers } of document.steps)
        if (!known.has(key)) known.set(key, { remote, diffIds, layers });
      step.done();
    } catch (error) {
      signal.throwIfAborted();
      step.failed((error as Error).message);
    }
  }
  return {
    async fetch(key, step, signal) {
      const found = known.get(key);
      if (found === undefined) return undefined;
      try {
        return await bring(store, found, signal);
      } catch (error) {
        signal.throwIfAborted();
        step.note(`the cache's layers cannot be had: ${(error as ClocheError).message}`);
        return undefined;
      }
    },
  };
}

function shown(source: CacheSource): string {
  return source.type === 'local' ? source.directory : canonical(source.reference);
}

async function open(store: Store, source: CacheSource, signal: AbortSignal): Promise<RemoteImage> {
  if (source.type === 'local') {
    const { openLayoutImage } = await import('../../image/archive/index.ts');
    return openLayoutImage(source.directory, source.tag);
  }
  const { openRemote } = await import('../../image/registry/index.ts');
  return openRemote(store, source.reference, { signal });
}

/** Unpacks what is missing of a snapshot, the lowest layer first. */
async function bring(
  store: Store,
  { remote, diffIds, layers }: Found,
  signal: AbortSignal,
): Promise<ChainId | undefined> {
  const { unpackLayer } = await import('../../image/layer/index.ts');
  let parent: ChainId | undefined;
  for (const number of layers) {
    const [descriptor, diffId] = [remote.manifest.layers[number], diffIds[number]];
    if (descriptor === undefined || diffId === undefined)
      throw new RangeError(`there is no layer ${number}`);
    const layer = { descriptor, diffId };
    const body = remote.read(descriptor);
    parent = (await unpackLayer(store, parent, layer, body, { signal })).chainId;
  }
  return parent;
}
