import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, readKnob } from './files.ts';

/** The processes in the cgroup and below it, as pids of our own pid namespace. */
export function processesBelow(directory: string): number[] {
  const own = (readKnob(`${directory}/cgroup.procs`) ?? '').split('\n');
  // 0 is a process of a pid namespace that we cannot see into.
  const pids = own.map(Number).filter((pid) => pid > 0);
  return [...pids, ...childrenOf(directory).flatMap(processesBelow)];
}

function childrenOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${directory}/${name}`);
}

/** Removes a cgroup and all below it, deepest first. @returns whether it is gone. */
export function removeTree(directory: string): boolean {
  const gone = childrenOf(directory).map(removeTree);
  if (gone.includes(false)) return false;
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    if (errnoOf(error) === 'EBUSY') return false;
    throw error;
  }
}

/** SIGKILL to a process that may be dead already. */
export function signalKill(pid: number) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

/** Asks again, at first every millisecond, until it is so or `milliseconds` have passed. */
export async function soon(milliseconds: number, isSo: () => boolean): Promise<boolean> {
  const end = Date.now() + milliseconds;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (isSo()) return true;
    if (Date.now() > end) return false;
    await sleep(pause);
  }
}
