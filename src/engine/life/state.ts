import { existsSync } from 'node:fs';
import { openCgroup } from '../../linux/cgroup/index.ts';
import { CGROUP_PARENT, type Engine } from '../engine.ts';
import { isAlive } from './processes.ts';
import type { Container } from './records.ts';

/** docker's words for what a container is doing. */
export type State = 'created' | 'running' | 'paused' | 'exited';

/** What a container is doing now: as it was settled, and whether the kernel holds it still. */
export function stateOf(engine: Engine, container: Container): State {
  if (container.status !== 'running') return container.status;
  return isAlive(container) && isPaused(engine, container) ? 'paused' : 'running';
}

function isPaused(engine: Engine, container: Container): boolean {
  const path = `${CGROUP_PARENT}/${container.id}`;
  const tree = engine.mounted.of.freezer;
  if (tree === undefined || !existsSync(`${tree.mountPoint}${path}`)) return false;
  try {
    return openCgroup(engine.hierarchies, path).isFrozen();
  } catch (error) {
    // Unless it has ended just now, and its cgroup with it.
    if (isAlive(container)) throw error;
    return false;
  }
}
