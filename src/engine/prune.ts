import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { directorySize } from '../image/directory-size.ts';
import { isAnybodyWorking, isDead } from '../image/index.ts';
import { BRIDGE_NAME, removeBridge } from './bridge.ts';
import { containerSize } from './disk-use.ts';
import { CGROUP_PARENT, type Engine } from './engine.ts';
import { allContainers, type Container, ownerOf } from './records.ts';
import { removeContainer } from './remove.ts';

/** What went, by name, and how many bytes it had. */
export interface Pruned {
  readonly removed: readonly string[];
  readonly freed: number;
}

/** Removes the containers that neither run nor are being started, as far as `isWanted` lets them go. */
export async function pruneContainers(
  engine: Engine,
  isUnwanted: (container: Container) => boolean = () => true,
): Promise<Pruned> {
  const stopped = allContainers(engine).filter((one) => isStopped(engine, one) && isUnwanted(one));
  let freed = 0;
  for (const container of stopped) {
    freed += containerSize(engine, container);
    await removeContainer(engine, container.id);
  }
  return { removed: stopped.map(({ id }) => id), freed };
}

/**
 * Removes volumes without a name of their own, 64 hexadecimal digits, that no container has. Those
 * with a name are data that somebody wants.
 */
export function pruneVolumes(engine: Engine): Pruned {
  const folder = join(engine.store.root, 'volumes');
  const used = new Set(allContainers(engine).flatMap(({ options }) => options.volumes.map(nameOf)));
  const removed = (existsSync(folder) ? readdirSync(folder) : []).filter(
    (name) => /^[0-9a-f]{64}$/.test(name) && !used.has(name),
  );
  const freed = removed.reduce((sum, name) => sum + directorySize(join(folder, name)), 0);
  for (const name of removed) rmSync(join(folder, name), { recursive: true, force: true });
  return { removed, freed };
}

function nameOf(volume: string): string {
  return volume.split(':')[0] ?? '';
}

/**
 * Takes away what stays between containers: the bridge with its rules, and our cgroup in every
 * hierarchy. Only while nothing runs, is born or built, here or with another CLOCHE_ROOT: the kernel
 * is asked who is in it. @returns the names of what went
 */
export async function pruneMachine(engine: Engine): Promise<string[]> {
  const isBusy =
    isAnybodyWorking(engine.store.db) ||
    allContainers(engine).some((container) => !isStopped(engine, container));
  if (isBusy || hasCgroups(engine)) return [];
  const removed: string[] = [];
  const ports = `/sys/class/net/${BRIDGE_NAME}/brif`;
  if (existsSync(ports) && readdirSync(ports).length === 0) {
    await removeBridge();
    removed.push(BRIDGE_NAME);
  }
  const groups = engine.hierarchies.all.map(({ mountPoint }) => `${mountPoint}${CGROUP_PARENT}`);
  const went = groups.filter(removeEmpty);
  return went.length === 0 ? removed : [...removed, CGROUP_PARENT];
}

function hasCgroups(engine: Engine): boolean {
  return engine.hierarchies.all.some(({ mountPoint }) =>
    readdirSync(`${mountPoint}${CGROUP_PARENT}`, { withFileTypes: true }).some((entry) =>
      entry.isDirectory(),
    ),
  );
}

/** rmdir(2), which the kernel refuses for a cgroup that somebody has entered meanwhile. */
function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Neither running nor being started by a living command. */
function isStopped(engine: Engine, { id, status }: Container): boolean {
  if (status === 'running') return false;
  const owner = ownerOf(engine, id);
  return owner === undefined || isDead(owner);
}
