import { ClocheError } from '../../error.ts';
import { discard, removeTree } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import { abandonPorts } from '../ports/index.ts';
import { removeAnonymous } from '../volumes/index.ts';
import { removeCgroup, shimEnded } from './leftovers.ts';
import { isAlive } from './processes.ts';
import { type Container, deleteRow, directoryOf, getContainer } from './records.ts';

export interface RemoveOptions {
  /** A running one is killed first. */
  readonly force?: boolean | undefined;
  /** Its volumes without a name go with it. */
  readonly volumes?: boolean | undefined;
}

/**
 * Removes a container: its record, its directory, its changes to the image.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_RUNNING` unless forced.
 */
export async function removeContainer(
  engine: Engine,
  name: string,
  about: RemoveOptions = {},
): Promise<string> {
  const container = getContainer(engine, name);
  if (isAlive(container)) {
    if (about.force !== true)
      throw new ClocheError(
        'CONTAINER_RUNNING',
        `cannot remove container '${container.name}': container is running`,
        { class: 'conflict', hint: 'stop it first (cloche kill), or use --force' },
      );
    const { killIfRunning } = await import('./kill.ts');
    await killIfRunning(engine, container.id, 'SIGKILL', { wait: true });
    await shimEnded(container);
    await abandonPorts(container);
  }
  await removeStopped(engine, container, about.volumes === true);
  return container.id;
}

/** Removes a container that does not run, or what another command has left of it in removing it. */
export async function removeStopped(
  engine: Engine,
  container: Container,
  volumes = true,
): Promise<void> {
  await removeCgroup(engine, container.id);
  forget(engine, container, volumes);
}

/** As `removeStopped`, of a container that has no cgroup any more: its files, and what is written down of it. */
export function forget(engine: Engine, container: Container, volumes = true): void {
  const { id, snapshot } = container;
  removeTree(directoryOf(engine, id));
  discard(engine.store, { id: snapshot }, () => deleteRow(engine, id));
  if (volumes) removeAnonymous(engine, container);
}

/**
 * Removes a container that has ended, for `--rm`. Whoever sees its end first does it: its own command,
 * or another that looks at all containers; so one that is gone already is fine.
 */
export async function removeEnded(engine: Engine, id: string): Promise<void> {
  try {
    await removeContainer(engine, id, { force: true, volumes: true });
  } catch (error) {
    if (!(error instanceof ClocheError) || error.code !== 'CONTAINER_NOT_FOUND') throw error;
  }
}
