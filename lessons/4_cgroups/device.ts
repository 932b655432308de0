import { join } from 'node:path';
import type { CgroupFolder } from '../../src/playground/observe/index.ts';

/**
 * What the kernel says to a process that joins the group and opens `/dev/urandom`: '' when it may.
 * The process is ours, it ends at once, and it leaves the group by ending.
 */
export function tryDevice(group: CgroupFolder | undefined): string {
  if (group === undefined) return 'there is no such group';
  const procs = join(group.folder, 'cgroup.procs');
  const { stderr } = Bun.spawnSync(
    ['sh', '-c', 'echo $$ > "$0" && exec head -c 1 /dev/urandom', procs],
    { stdout: 'ignore', stderr: 'pipe', env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  );
  return stderr.toString().trim().split(': ').at(-1) ?? '';
}
