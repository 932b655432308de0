import { ClocheError } from '../../error.ts';
import { type Cgroup, detectCgroups, openCgroup } from '../../linux/cgroup/index.ts';
import { soon } from '../../linux/soon.ts';

/** The cgroup of a container, as it is found from its path. */
export interface Grouped {
  /** From the root of each hierarchy; empty where none was made yet. */
  readonly cgroup: string;
}

/** The container's cgroup, if it is there. */
export function groupOf({ cgroup }: Grouped): Cgroup | undefined {
  try {
    return cgroup === '' ? undefined : openCgroup(detectCgroups(), cgroup);
  } catch {
    return undefined;
  }
}

/**
 * Ends whoever is left in a container's cgroup, frozen ones too, and removes it with all that was made
 * below it. The record goes after this: as long as the cgroup is there, somebody must know of it.
 *
 * @throws {ClocheError} `CGROUP_BUSY`, `CGROUP_HOLDS_US`: this process is in it, too
 */
export async function endGroup(grouped: Grouped): Promise<void> {
  const group = groupOf(grouped);
  if (group === undefined) return;
  if (group.processes().includes(process.pid))
    throw new ClocheError('CGROUP_HOLDS_US', `we are in cgroup '${group.path}' ourselves`, {
      class: 'conflict',
      hint: 'move this process into another cgroup first',
    });
  await soon(5000, () => killAll(group));
  await group.remove();
}

/** Kills them all, and lets the frozen ones die of it. @returns whether nobody is left */
function killAll(group: Cgroup): boolean {
  const left = group.processes();
  for (const pid of left) signalTo(pid, 'SIGKILL');
  // Of a cgroup that is half removed already, the freezer's part may be gone.
  if (left.length > 0 && group.directory('freezer') !== undefined) group.thaw();
  return left.length === 0;
}

/** @returns whether there was somebody to get it: one may have ended in this very moment */
export function signalTo(pid: number, signal: number | NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
