import { allContainers, type Engine, isAlive, removeContainer } from '../engine/index.ts';
import type { Containers } from './observe/index.ts';

/** What the playground needs of the engine: to find a lesson's container, and to take it away. */
export function containersOf(engine: Engine): Containers {
  const named = (name: string) => allContainers(engine).find((one) => one.name === name);
  return {
    find: async (name) => {
      const container = named(name);
      if (container?.pid === undefined || !isAlive(container)) return undefined;
      return { pid: container.pid };
    },
    remove: async (name) => {
      const container = named(name);
      if (container !== undefined) await removeContainer(engine, container.id, { force: true });
    },
  };
}
