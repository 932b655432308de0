import { readdirSync, rmdirSync } from 'node:fs';
import { unlessGone } from '../proc/read.ts';
import { errnoOf, readKnob } from './files.ts';

/** The processes in the cgroup and below it, as pids of our own pid namespace. */
export function processesBelow(directory: string): number[] {
  const own = (readKnob(`${directory}/cgroup.procs`) ?? '').split('\n');
  // 0 is a process of a pid namespace that we cannot see into.
  const pids = own.map(Number).filter((pid) => pid > 0);
  return [...pids, ...childrenOf(directory).flatMap(processesBelow)];
}

function childrenOf(directory: string): string[] {
  const entries = unlessGone(() => readdirSync(directory, { withFileTypes: true })) ?? [];
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
