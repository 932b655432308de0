import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { done, type Look, notYet, type Verdict } from '../../src/playground/lesson.ts';
import {
  type CgroupFolder,
  cgroupFile,
  cgroupMounts,
  cgroupOf,
  keyed,
  type ProcessView,
} from '../../src/playground/observe/index.ts';

/** What lesson 4 looks at: groups below the playground's own, with the same words on v1 and v2. */

/** The playground's own group for a controller, as the host sees it. */
export function ownGroup({ playground }: Look, controller: string): CgroupFolder | undefined {
  const found = cgroupOf(playground.init.pid, controller);
  if (found === undefined) return undefined;
  // On v2 mount_cgroups.sh has moved everybody into a leaf.
  const moved = basename(found.folder) === 'everybody';
  return moved ? { ...found, folder: dirname(found.folder) } : found;
}

/** A group that the learner made; undefined where there is none. */
export function madeGroup(look: Look, controller: string, name: string): CgroupFolder | undefined {
  const own = ownGroup(look, controller);
  const folder = own === undefined ? undefined : join(own.folder, name);
  return own === undefined || folder === undefined || !existsSync(folder)
    ? undefined
    : { ...own, folder };
}

/** A file by its name on each version. */
export function read(group: CgroupFolder | undefined, v1: string, v2: string): string | undefined {
  return group === undefined ? undefined : cgroupFile(group, group.version === 1 ? v1 : v2);
}

/** Bytes that a group used at most; NaN where the kernel does not say. */
export function peakMemory(group: CgroupFolder | undefined): number {
  return Number(read(group, 'memory.max_usage_in_bytes', 'memory.peak') ?? Number.NaN);
}

/** Bytes that a group may use; Infinity without a limit. */
export function memoryLimit(group: CgroupFolder | undefined): number {
  const text = read(group, 'memory.limit_in_bytes', 'memory.max');
  // v1 says "no limit" as the largest number of pages.
  return text === undefined || text === 'max' || Number(text) > 2 ** 60 ? Infinity : Number(text);
}

export function oomKills(group: CgroupFolder | undefined): number {
  return keyed(read(group, 'memory.oom_control', 'memory.events'), 'oom_kill') ?? 0;
}

/** The share of one CPU that a group may have, 1 = a whole one; Infinity without a limit. */
export function cpuShare(group: CgroupFolder | undefined): number {
  if (group?.version === 2) {
    const [quota, period] = (cgroupFile(group, 'cpu.max') ?? 'max').split(' ');
    return quota === 'max' ? Infinity : Number(quota) / Number(period);
  }
  const quota = Number(read(group, 'cpu.cfs_quota_us', '') ?? -1);
  return quota < 0 ? Infinity : quota / Number(read(group, 'cpu.cfs_period_us', ''));
}

/** How often a group was stopped since its share was used up, and for how many seconds in all. */
export function throttled(group: CgroupFolder | undefined): { times: number; seconds: number } {
  const stat = read(group, 'cpu.stat', 'cpu.stat');
  const seconds =
    group?.version === 2
      ? (keyed(stat, 'throttled_usec') ?? 0) / 1e6
      : (keyed(stat, 'throttled_time') ?? 0) / 1e9;
  return { times: keyed(stat, 'nr_throttled') ?? 0, seconds };
}

/** Seconds of CPU that the playground has used in all. */
export function cpuSeconds(look: Look): number {
  const account = ownGroup(look, 'cpuacct');
  if (account?.version === 1) return Number(cgroupFile(account, 'cpuacct.usage') ?? 0) / 1e9;
  const own = ownGroup(look, 'cpu');
  return (keyed(read(own, 'cpu.stat', 'cpu.stat'), 'usage_usec') ?? 0) / 1e6;
}

/** The most processes that the group of this very process may have; Infinity without a limit. */
export function pidsLimit(one: ProcessView): number {
  const group = cgroupOf(one.pid, 'pids');
  const text = group === undefined ? undefined : cgroupFile(group, 'pids.max');
  return text === undefined || text === 'max' ? Infinity : Number(text);
}

/** How many forks a group was refused. */
export function refusedForks(group: CgroupFolder | undefined): number {
  return keyed(read(group, 'pids.events', 'pids.events'), 'max') ?? 0;
}

/** The playground's own mount namespace has the cgroup filesystem of at least memory, cpu and pids. */
export function mountedInside({ playground: { init } }: Look): Verdict {
  const mounts = cgroupMounts(String(init.pid));
  if (mounts.length === 0)
    return notYet('/proc/PID/mountinfo of the playground has no line with cgroup');
  const unified = mounts.find((one) => one.version === 2 && mounts.length === 1);
  const names = mounts.flatMap(({ controllers }) => controllers);
  const missing = ['memory', 'cpu', 'pids'].filter((name) => !names.includes(name));
  if (unified === undefined && missing.length > 0)
    return notYet(`not mounted in the playground: ${missing.join(', ')}`);
  return done(
    ...mounts.map(({ folder, version, controllers }) =>
      version === 2
        ? `cgroup v2 is mounted at ${folder}`
        : `v1: ${controllers.join(',')} is at ${folder}`,
    ),
  );
}

/** A bash of the playground in a group with a pids.max of its own, not init. */
export function limitedShell({ playground }: Look): ProcessView | undefined {
  return playground
    .named('bash')
    .find((one) => one.pid !== playground.init.pid && pidsLimit(one) <= 100);
}
