import { ClocheError } from '../../error.ts';
import type { Cgroup, CgroupStats, LinuxResources } from '../../linux/cgroup/index.ts';
import { groupOf } from './group.ts';
import { readRecord, type State, stateOf } from './state.ts';

/** What is done to a container that runs, by way of its cgroup. Errors are in runc's words. */

/** Stops all its processes where they are. @throws {ClocheError} `CONTAINER_NOT_RUNNING`, `CGROUP_FREEZE_FAILED` */
export async function pause(root: string, id: string): Promise<void> {
  const group = await groupIn(root, id, ['created', 'running']);
  await group.freeze();
}

/** Lets them go on. @throws {ClocheError} `CONTAINER_NOT_PAUSED` */
export async function resume(root: string, id: string): Promise<void> {
  const { status } = stateOf(root, await readRecord(root, id));
  if (status !== 'paused')
    throw new ClocheError('CONTAINER_NOT_PAUSED', 'container not paused', {
      class: 'conflict',
      hint: `cloche oci state ${id}`,
    });
  (await groupIn(root, id, ['paused'])).thaw();
}

/** Changes its limits; what is not named stays. @throws {ClocheError} what `Cgroup.update` throws */
export async function update(root: string, id: string, resources: LinuxResources): Promise<void> {
  (await groupIn(root, id, ALIVE)).update(resources);
}

/** Its processes, by their pids out here. */
export async function processes(root: string, id: string): Promise<number[]> {
  const record = await readRecord(root, id);
  return groupOf(record)?.processes() ?? [];
}

/** The kernel's counters; undefined when it has ended meanwhile. @throws {ClocheError} `CONTAINER_NOT_RUNNING` */
export async function stats(root: string, id: string): Promise<CgroupStats> {
  return (await groupIn(root, id, ALIVE)).stats();
}

const ALIVE = ['created', 'running', 'paused'] as const;

async function groupIn(
  root: string,
  id: string,
  wanted: readonly State['status'][],
): Promise<Cgroup> {
  const record = await readRecord(root, id);
  const { status } = stateOf(root, record);
  const group = groupOf(record);
  if (group !== undefined && wanted.includes(status)) return group;
  throw new ClocheError('CONTAINER_NOT_RUNNING', 'container not running', {
    class: 'conflict',
    hint: `it is ${status}: cloche oci state ${id}`,
  });
}
