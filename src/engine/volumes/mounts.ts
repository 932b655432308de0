import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { type ContainerConfig, find, type Image, type Store, treeOf } from '../../image/index.ts';
import { toRaw } from '../../image/layer/scan.ts';
import type { Mount } from '../../runtime/index.ts';
import type { Engine } from '../engine.ts';
import { parseVolume } from './spec.ts';
import { ensureVolume, newVolumeName } from './volumes.ts';

/**
 * The volumes of a container that is to be: what `-v` says, and for each VOLUME of the image that it does
 * not cover one more; each with a source, if only a name of 64 digits. Nothing is made yet.
 *
 * @throws {ClocheError} `VOLUME_INVALID`
 */
export function chooseVolumes(volumes: readonly string[], config: ContainerConfig): string[] {
  const said = volumes.map(parseVolume);
  const covered = new Set(said.map(({ target }) => normalize(`${target}/`)));
  const declared = Object.keys(config.Volumes ?? {})
    .filter((target) => !covered.has(normalize(`${target}/`)))
    .map(parseVolume);
  return [...said, ...declared].map(({ source = newVolumeName(), target, mode }) =>
    [source, target, ...(mode === '' ? [] : [mode])].join(':'),
  );
}

/** Makes those that are not there yet. A new one begins with what the image has at its place. */
export async function makeVolumes(
  engine: Engine,
  image: Image,
  volumes: readonly string[],
): Promise<void> {
  for (const { source = '', isVolume, target, mode } of volumes.map(parseVolume)) {
    const fill = (directory: string) => fillFrom(engine.store, image, target, directory);
    if (isVolume) await ensureVolume(engine, source, mode.includes('nocopy') ? undefined : fill);
  }
}

/** What the image has in a directory, with owners, modes, times and the directory's own. */
async function fillFrom(
  store: Store,
  image: Image,
  target: string,
  directory: string,
): Promise<void> {
  if (image.chainId === undefined) return;
  const tree = treeOf(store, image.chainId);
  const node = find(tree, toRaw(target));
  if (node?.kind !== 'directory') return;
  chownSync(directory, Number(node.stat.uid), Number(node.stat.gid));
  chmodSync(directory, Number(node.stat.mode & 0o7777n));
  // Loaded when needed: few containers begin with a new volume.
  const [{ gather }, { place }, { UpperLayer }] = await Promise.all([
    import('../../build/copy/gather.ts'),
    import('../../build/copy/place.ts'),
    import('../../build/copy/upper.ts'),
  ]);
  const into = { layers: [{ directory, opaque: [] }] };
  const upper = new UpperLayer(into);
  for (const one of await gather(tree, [{ node, name: '', pivot: 0 }], { xattrs: true }))
    await place(one, '/', { tree: into, into: upper, owner: undefined, mode: undefined });
  await upper.finish();
}

/**
 * A `-v` as a mount; a directory that is missing on the host is made, as docker makes it. `ro` holds for what
 * is mounted below it too, as in docker since 25: who writes it means all that is seen there.
 */
export function volumeMount(root: string, volume: string): Mount {
  const { source = '', isVolume, target, mode } = parseVolume(volume);
  const path = isVolume ? join(root, 'volumes', source) : source;
  if (!existsSync(path)) mkdirSync(path, { recursive: true });
  const access = mode.split(',').flatMap((word) => ACCESS.get(word) ?? []);
  return { destination: target, type: 'bind', source: path, options: ['rbind', ...access] };
}

/** In an OCI config `ro` is about the one mount, `rro` about those below it too. */
const ACCESS = new Map([
  ['ro', 'rro'],
  ['rw', 'rw'],
]);
