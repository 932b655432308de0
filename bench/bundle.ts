import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContainer, type Engine, type RunOptions } from '../src/engine/index.ts';
import { factsOf } from '../src/engine/start/facts.ts';
import { abandonContainer } from '../src/engine/start/start.ts';
import { DEFAULT_CAPABILITIES } from '../src/linux/capabilities.ts';
import { defaultPolicy } from '../src/linux/seccomp/index.ts';
import { command } from './compete.ts';

/**
 * A bundle of the container that the engine would make with these options: the same mounts, namespaces,
 * capabilities, files in `/etc` and filter. What an engine does before it calls its runtime is done: the overlay
 * is mounted, in the mount namespace of this process. The list of devices is left out, since on cgroup v2 crun and
 * runc 1.1 want to lock memory for it, which not every machine lets them.
 *
 * @returns its directory, below `scratch`
 */
export async function bundleOf(
  engine: Engine,
  options: RunOptions,
  scratch: string,
): Promise<string> {
  const container = await createContainer(engine, options);
  const { spec, root } = await factsOf(engine, container);
  if (root.kind !== 'overlay') throw new Error('an image is an overlay');
  const path = join(scratch, 'bundle');
  const rootfs = join(path, 'rootfs');
  const [upper, work] = [join(path, 'upper'), join(path, 'work')];
  for (const directory of [path, rootfs, upper, work]) mkdirSync(directory);
  const layers = `lowerdir=${root.lower.join(':')},upperdir=${upper},workdir=${work}`;
  await command('mount', '-t', 'overlay', 'overlay', '-o', layers, rootfs);
  const config = {
    ...spec,
    ociVersion: '1.0.2',
    root: { path: rootfs, readonly: false },
    mounts: spec.mounts?.map((mount) => ({ ...mount, source: kept(mount.source, path) })),
    linux: { ...spec.linux, resources: {}, seccomp: defaultPolicy(DEFAULT_CAPABILITIES) },
  };
  writeFileSync(join(path, 'config.json'), JSON.stringify(config));
  await abandonContainer(engine, container);
  return path;
}

/** The files that the engine has made go with its container: these are the bundle's own. */
function kept(source: string | undefined, path: string): string | undefined {
  if (source?.includes('/containers/') !== true) return source;
  const copy = join(path, source.slice(source.lastIndexOf('/') + 1));
  writeFileSync(copy, '');
  return copy;
}
