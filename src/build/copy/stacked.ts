import { linkSync } from 'node:fs';
import {
  type ChainId,
  chainOf,
  discard,
  findSnapshot,
  prepare,
  type Store,
} from '../../image/index.ts';
import { fromRaw, scanAll, toRaw } from '../../image/layer/scan.ts';
import { readXattrs } from '../../image/layer/xattr.ts';
import { hasSnapshot, settle } from '../../image/snapshots.ts';
import { UpperLayer } from './upper.ts';

/**
 * The layer of a COPY --link, which was made on nothing, on top of `parent`: the same blob and the same
 * files, by other names. So a new base costs no second copy.
 *
 * @throws an fs error, such as EMLINK: a file has too many names
 */
export async function stackedOn(
  store: Store,
  parent: ChainId | undefined,
  chain: ChainId,
): Promise<ChainId> {
  const layer = findSnapshot(store, chain);
  const stacked = chainOf(parent, layer.diffId);
  if (hasSnapshot(store, stacked)) return stacked;
  const active = prepare(store, parent);
  try {
    await linkAll(layer.directory, active.upper);
    return settle(store, active, layer).chainId;
  } catch (error) {
    discard(store, active);
    throw error;
  }
}

async function linkAll(from: string, to: string): Promise<void> {
  const entries = scanAll(from);
  const directories = entries.filter(({ kind }) => kind === 'directory');
  const xattrs = await readXattrs(
    from,
    directories.map(({ path }) => path),
  );
  const upper = new UpperLayer({ layers: [{ directory: to, opaque: [] }] });
  for (const { path, kind, stat } of entries) {
    if (kind !== 'directory') linkSync(fromRaw(`${toRaw(from)}/${path}`), upper.host(path));
    else
      upper.makeDirectory(path, {
        owner: { uid: Number(stat.uid), gid: Number(stat.gid) },
        ...{ mode: Number(stat.mode & 0o7777n), mtime: stat.mtimeNs, xattrs: xattrs.get(path) },
      });
  }
  await upper.finish();
}
