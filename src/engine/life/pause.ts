import { ClocheError } from '../../error.ts';
import { type Cgroup, openCgroup } from '../../linux/cgroup/index.ts';
import { CGROUP_PARENT, type Engine } from '../engine.ts';
import { isAlive } from './processes.ts';
import { type Container, getContainer } from './records.ts';
import { stateOf } from './state.ts';

/** Stops every process of a container where it stands. @throws `CONTAINER_NOT_RUNNING`, `CONTAINER_PAUSED` */
export async function pauseContainer(engine: Engine, name: string): Promise<void> {
  const container = getContainer(engine, name);
  const cgroup = cgroupOfRunning(engine, container);
  if (stateOf(engine, container) === 'paused')
    throw new ClocheError('CONTAINER_PAUSED', `container ${name} is already paused`, {
      class: 'conflict',
      hint: `cloche unpause ${name}`,
    });
  await cgroup.freeze();
}

/** Lets a paused container go on. @throws `CONTAINER_NOT_RUNNING`, `CONTAINER_NOT_PAUSED` */
export function unpauseContainer(engine: Engine, name: string): void {
  const container = getContainer(engine, name);
  const cgroup = cgroupOfRunning(engine, container);
  if (stateOf(engine, container) !== 'paused')
    throw new ClocheError('CONTAINER_NOT_PAUSED', `container ${name} is not paused`, {
      class: 'conflict',
    });
  cgroup.thaw();
}

/** The cgroup of a container that runs, in every hierarchy. @throws `CONTAINER_NOT_RUNNING` */
export function cgroupOfRunning(engine: Engine, container: Container): Cgroup {
  try {
    if (isAlive(container))
      return openCgroup(engine.hierarchies, `${CGROUP_PARENT}/${container.id}`);
  } catch (error) {
    // Unless it has ended just now, and its cgroup with it.
    if (isAlive(container)) throw error;
  }
  throw new ClocheError('CONTAINER_NOT_RUNNING', `container ${container.name} is not running`, {
    class: 'conflict',
    hint: `cloche start ${container.name}`,
  });
}
