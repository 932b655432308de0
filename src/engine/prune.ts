import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { ClocheError } from '../error.ts';
import { directorySize } from '../image/directory-size.ts';
import { isAnybodyWorking, isDead } from '../image/index.ts';
import { openCgroup } from '../linux/cgroup/index.ts';
import { CGROUP_PARENT, type Engine } from './engine.ts';
import { cgroupEntries } from './life/leftovers.ts';
import { shimsAlive } from './life/processes.ts';
import { allContainers, type Container, ownerOf } from './life/records.ts';
import { removeContainer } from './life/remove.ts';
import { containerSize } from './look/disk-use.ts';
import { BRIDGE_NAME } from './network/bridge.ts';
import { removeBridge } from './network/bridge-rules.ts';
import { isAnonymous, listVolumes, removeVolume, usedVolumes } from './volumes/index.ts';

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
 * Removes volumes that no container has; unless `all`, only those without a name of their own: the
 * others are data that somebody wants.
 */
export function pruneVolumes(engine: Engine, { all = false } = {}): Pruned {
  const used = usedVolumes(engine);
  const unwanted = listVolumes(engine).filter(
    ({ name }) => (all || isAnonymous(name)) && !used.has(name),
  );
  const freed = unwanted.reduce((sum, { path }) => sum + directorySize(path), 0);
  for (const { name } of unwanted) removeVolume(engine, name);
  return { removed: unwanted.map(({ name }) => name), freed };
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
  if (isBusy || !(await removeAbandoned(engine))) return [];
  const removed: string[] = [];
  const ports = `/sys/class/net/${BRIDGE_NAME}/brif`;
  if (existsSync(ports) && readdirSync(ports).length === 0) {
    await removeBridge();
    removed.push(BRIDGE_NAME);
  }
  const groups = engine.mounted.all.map(({ mountPoint }) => `${mountPoint}${CGROUP_PARENT}`);
  const went = groups.filter(removeEmpty);
  return went.length === 0 ? removed : [...removed, CGROUP_PARENT];
}

/**
 * Removes the cgroups of containers whose shim was killed, and that no command of their own state
 * directory has come to clear away; perhaps there is no such directory any more.
 *
 * @returns whether none is left
 */
async function removeAbandoned(engine: Engine): Promise<boolean> {
  const groups = cgroupEntries(engine).filter((entry) => entry.isDirectory());
  const shims = shimsAlive();
  let isFree = true;
  for (const name of new Set(groups.map(({ name }) => name))) {
    const isBeingBorn = shims.has(name.slice(0, 12)) || shims.has(`build ${name.slice(-12)}`);
    if (isBeingBorn || !(await isGone(engine, name))) isFree = false;
  }
  return isFree;
}

/** Removes a cgroup in which nobody is. @returns whether there is none any more */
async function isGone({ hierarchies }: Engine, name: string): Promise<boolean> {
  try {
    const group = openCgroup(hierarchies, `${CGROUP_PARENT}/${name}`);
    if (group.processes().length > 0) return false;
    await group.remove();
    return true;
  } catch (error) {
    // Its own commands were quicker, or somebody is in it whom we cannot see.
    const code = error instanceof ClocheError ? error.code : undefined;
    if (code !== 'CGROUP_NOT_FOUND' && code !== 'CGROUP_BUSY') throw error;
    return code === 'CGROUP_NOT_FOUND';
  }
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
