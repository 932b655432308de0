import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { attempt } from './root.ts';

/** Where a process is in one cgroup hierarchy, seen from the host. */
export interface CgroupFolder {
  /** v1: the controllers of the hierarchy, e.g. `memory`; v2: `unified`. */
  readonly controllers: readonly string[];
  readonly version: 1 | 2;
  /** The folder of the process's cgroup under the host's mount of that hierarchy. */
  readonly folder: string;
}

/**
 * The cgroups that the process is in, one for each hierarchy that is mounted on the host.
 *
 * Source: cgroups(7), `/proc/PID/cgroup`, proc_pid_mountinfo(5).
 */
export function cgroupFolders(pid: number): CgroupFolder[] {
  const lines = attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? '';
  const mounts = cgroupMounts();
  return lines.split('\n').flatMap((line) => {
    const [, , controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    const mount = mounts.find((one) => one.controllers.join() === sorted(controllers));
    if (line === '' || mount === undefined) return [];
    return [{ ...mount, folder: join(mount.folder, posix.relative(mount.top, path)) }];
  });
}

/** The folder of the cgroup that limits the process's use of `controller`: v1's, or else v2's. */
export function cgroupOf(pid: number, controller: string): CgroupFolder | undefined {
  const all = cgroupFolders(pid);
  return (
    all.find((one) => one.version === 1 && one.controllers.includes(controller)) ??
    all.find((one) => one.version === 2 && v2Offers(controller))
  );
}

/** One file of a cgroup, trimmed; undefined where the kernel has no such file. */
export function cgroupFile(of: CgroupFolder, name: string): string | undefined {
  return attempt(() => readFileSync(join(of.folder, name), 'utf8').trim());
}

/** The number after `key` in a flat keyed file such as `memory.events` or `cpu.stat`. */
export function keyed(content: string | undefined, key: string): number | undefined {
  const value = new RegExp(`^${RegExp.escape(key)} (\\d+)$`, 'm').exec(content ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}

interface CgroupMount extends CgroupFolder {
  /** The cgroup that is shown at `folder`. */
  readonly top: string;
}

/** The cgroup hierarchies that are mounted where we are. */
export function cgroupMounts(of = 'self'): CgroupMount[] {
  const table = attempt(() => readFileSync(`/proc/${of}/mountinfo`, 'utf8')) ?? '';
  return table.split('\n').flatMap((line): CgroupMount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , top = '', folder = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type === 'cgroup2') return [{ version: 2, controllers: [], folder, top }];
    if (type !== 'cgroup') return [];
    const controllers = sorted(
      options
        .split(',')
        .filter((one) => !NOT_CONTROLLERS.has(one))
        .join(),
    );
    return [{ version: 1, controllers: controllers.split(','), folder, top }];
  });
}

/** What else stands among the options of a v1 mount. */
const NOT_CONTROLLERS = new Set([
  'rw',
  'ro',
  'xattr',
  'noprefix',
  'clone_children',
  'release_agent',
]);

function v2Offers(controller: string): boolean {
  const root = cgroupMounts().find((one) => one.version === 2)?.folder;
  const offered = root && attempt(() => readFileSync(join(root, 'cgroup.controllers'), 'utf8'));
  return (offered ?? '').split(/\s+/).includes(controller);
}

function sorted(controllers: string): string {
  return controllers.split(',').filter(Boolean).sort().join();
}
