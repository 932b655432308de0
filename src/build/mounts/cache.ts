import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hexOf, type Store, temporaryPath, whileWorking } from '../../image/index.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { gather } from '../copy/gather.ts';
import { place } from '../copy/place.ts';
import { UpperLayer } from '../copy/upper.ts';
import type { OperationMount } from '../graph.ts';
import type { Found } from './bind.ts';

export type CacheMount = Extract<OperationMount, { type: 'cache' }>;

/**
 * Does `action` with the directory of a cache mount: `cache/mounts/<key>` in the state directory,
 * which stays from build to build. `shared` ones are used by all at the same time; `locked` ones by
 * one RUN after the other, in all processes; of `private` ones there are as many as are in use at
 * the same time.
 */
export async function withCache<T>(
  store: Store,
  mount: CacheMount,
  found: Found | undefined,
  action: (directory: string) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const key = cacheKey(mount, found);
  const use = async (name: string) => action(await ready(store, mount, found, name));
  switch (mount.sharing) {
    case 'shared':
      return use(key);
    case 'locked':
      return whileWorking(store.db, `cache mount ${key}`, () => use(key), { signal });
    case 'private':
      return firstFree(store, key, use);
  }
}

/** The name of its directory. Whoever begins with other files, or as another's, has another cache, as in BuildKit. */
export function cacheKey({ id, uid, gid, mode }: CacheMount, found: Found | undefined): string {
  const origin = found === undefined ? [] : [found.tree.layers.map(({ directory }) => directory)];
  // Where it is as always the cache has the name that it always had.
  const isUsual = uid === 0 && gid === 0 && mode === 0o755;
  const dress = isUsual ? [] : [{ uid, gid, mode }];
  return hexOf(digestOf(JSON.stringify([id, ...origin, found?.node.path, ...dress])));
}

async function firstFree<T>(store: Store, key: string, use: (name: string) => Promise<T>) {
  for (let n = 0; ; n++) {
    const name = n === 0 ? key : `${key}-${n}`;
    let isTaken = false;
    try {
      return await whileWorking(store.db, `cache mount ${name}`, () => use(name), {
        onWait: () => {
          isTaken = true;
        },
        signal: AbortSignal.abort(),
      });
    } catch (error) {
      if (!isTaken) throw error;
    }
  }
}

/** The directory; made whole before it is there, so that others and the killed leave no half one. */
async function ready(
  store: Store,
  mount: CacheMount,
  found: Found | undefined,
  name: string,
): Promise<string> {
  const folder = join(store.root, 'cache/mounts');
  const directory = join(folder, name);
  if (existsSync(directory)) return directory;
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const temporary = temporaryPath(store);
  try {
    mkdirSync(temporary);
    if (found !== undefined) await fill(temporary, found);
    chownSync(temporary, mount.uid, mount.gid);
    chmodSync(temporary, mount.mode);
    renameSync(temporary, directory);
  } catch (error) {
    removeTree(temporary);
    // Another build was faster.
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

async function fill(directory: string, { tree, node }: Found): Promise<void> {
  const own = { layers: [{ directory, opaque: [] }] };
  const upper = new UpperLayer(own);
  for (const one of await gather(tree, [{ node, name: node.path, pivot: 0 }], { xattrs: true }))
    await place(one, '/', { tree: own, into: upper, owner: undefined, mode: undefined });
  await upper.finish();
}
