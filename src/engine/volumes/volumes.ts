import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { exclusively, type Store, temporaryPath, whileWorking } from '../../image/index.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import type { Engine } from '../engine.ts';
import { allContainers, type Container } from '../life/records.ts';
import { isAnonymous, parseVolume, requireVolumeName } from './spec.ts';

/** A directory below the state's, which outlives containers. */
export interface Volume {
  readonly name: string;
  readonly path: string;
  readonly created: Date;
}

/** By name. */
export function listVolumes({ store }: Engine): Volume[] {
  const folder = join(store.root, 'volumes');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.sort().map((name) => volumeOf(store, name));
}

/** @throws {ClocheError} `VOLUME_NOT_FOUND`, in docker's words */
export function getVolume({ store }: Engine, name: string): Volume {
  requireVolumeName(name);
  if (existsSync(pathOf(store, name))) return volumeOf(store, name);
  throw new ClocheError('VOLUME_NOT_FOUND', `get ${name}: no such volume`, {
    class: 'not-found',
    hint: 'cloche volume ls lists what there is',
  });
}

/**
 * Makes a volume; one that is there already stays as it is.
 *
 * @param fill writes what an empty one begins with into its directory; a new one is there with all of it
 *   or not at all
 * @throws {ClocheError} `VOLUME_INVALID`
 */
export async function ensureVolume(
  { store }: Engine,
  name: string,
  fill: (directory: string) => Promise<void> = async () => undefined,
): Promise<void> {
  requireVolumeName(name);
  const path = pathOf(store, name);
  if (existsSync(path) && readdirSync(path).length > 0) return;
  await whileWorking(store.db, `volume ${name}`, async () => {
    if (!existsSync(path)) await makeWhole(store, path, fill);
    // In its place: a container that runs may have it.
    else if (readdirSync(path).length === 0) await fill(path);
  });
}

async function makeWhole(
  store: Store,
  path: string,
  fill: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = temporaryPath(store);
  mkdirSync(dirname(path), { recursive: true });
  mkdirSync(directory);
  try {
    await fill(directory);
    renameSync(directory, path);
  } catch (error) {
    removeTree(directory);
    throw error;
  }
}

/** A name for a volume that nobody has given one. */
export function newVolumeName(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
}

/**
 * Removes a volume with what is in it.
 *
 * @throws {ClocheError} `VOLUME_NOT_FOUND`; `VOLUME_IN_USE`: a container has it, whether it runs or not
 */
export function removeVolume(engine: Engine, name: string): void {
  const { path } = getVolume(engine, name);
  const bin = temporaryPath(engine.store);
  // Nobody makes a container with it meanwhile, and half a volume is none that anybody wants.
  exclusively(engine.store.db, () => {
    const users = usersOf(engine, name);
    if (users.length > 0)
      throw new ClocheError(
        'VOLUME_IN_USE',
        `remove ${name}: volume is in use - [${users.map(({ id }) => id).join(', ')}]`,
        { class: 'conflict', hint: 'remove those containers first' },
      );
    renameSync(path, bin);
  });
  removeTree(bin);
}

/** Removes the volumes without a name that a container, which is gone, has had alone. */
export function removeAnonymous(engine: Engine, { options }: Container): void {
  for (const name of volumeNames(options.volumes).filter(isAnonymous))
    if (existsSync(pathOf(engine.store, name)) && usersOf(engine, name).length === 0)
      removeVolume(engine, name);
}

/** The containers that have a volume. */
export function usersOf(engine: Engine, name: string): Container[] {
  return allContainers(engine).filter(({ options }) => volumeNames(options.volumes).includes(name));
}

/** The volumes that any container has. */
export function usedVolumes(engine: Engine): Set<string> {
  return new Set(allContainers(engine).flatMap(({ options }) => volumeNames(options.volumes)));
}

/** Which volumes a container's `-v`s name. */
function volumeNames(volumes: readonly string[]): string[] {
  return volumes.flatMap((volume) => {
    const { source, isVolume } = parseVolume(volume);
    return isVolume && source !== undefined ? [source] : [];
  });
}

function volumeOf(store: Store, name: string): Volume {
  const path = pathOf(store, name);
  return { name, path, created: statSync(path).birthtime };
}

function pathOf({ root }: Store, name: string): string {
  return join(root, 'volumes', name);
}
