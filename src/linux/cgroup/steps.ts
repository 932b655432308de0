import { basename } from 'node:path';
import {
  block,
  buffer,
  call,
  flags,
  mode,
  pointer,
  result,
  type Step,
  text,
} from '../plan/index.ts';
import type { Cgroup } from './cgroup.ts';
import type { Hierarchies, Hierarchy } from './detect.ts';
import { deviceSteps } from './device-steps.ts';
import { requirePath } from './path.ts';
import type { LinuxResources } from './resources.ts';
import { type Setting, settingsOf } from './settings.ts';

/**
 * The life of a container's cgroup as steps, one directory in every hierarchy. Pure.
 *
 * @param path from the hierarchy's root as mounted: `/cloche/<id>`. Its parent must have been made
 *   ready with `prepareParent`; the directory itself must not exist.
 * @throws {ClocheError} `CGROUP_PATH_INVALID`; and as `settingsOf`.
 */
export function cgroupSteps(
  hierarchies: Hierarchies,
  path: string,
  resources: LinuxResources,
): CgroupSteps {
  requirePath(path);
  const { files, deviceProgram } = settingsOf(hierarchies, resources);
  const { all, of, unified } = hierarchies;
  const program =
    deviceProgram && of.devices ? deviceSteps(directoryOf(of.devices, path), deviceProgram) : [];
  return {
    create: [
      ...all.map((tree) => makeStep(tree, path)),
      ...files.flatMap((setting) => writeSteps(fileOf(hierarchies, path, setting), setting)),
      ...program,
    ],
    ...entrance(all.map((tree) => ({ tree, directory: directoryOf(tree, path) }))),
    oomCounter: oomCounterOf(hierarchies, path),
    folders: all.map((tree) => ({
      version: tree.version,
      name: basename(tree.mountPoint),
      directory: directoryOf(tree, path),
    })),
    remove: [
      ...(unified === undefined ? [] : killSteps(unified, path)),
      ...all.slice(0, 1).flatMap((tree) => patientRemoveSteps(directoryOf(tree, path))),
      ...all
        .slice(1)
        .map((tree) => removeStep(directoryOf(tree, path), 'nobody is in it any more')),
    ],
  };
}

/**
 * Brings a new process to where another one is, in every hierarchy. Not to the container's own cgroup:
 * on v2 that may hold no process any more, once somebody inside has enabled controllers in it and
 * moved everybody down (EBUSY).
 *
 * @param group of that other process: `cgroupOf(hierarchies, pid)`.
 */
export function entranceOf(group: Cgroup): CgroupEntrance {
  return entrance([...group.directories].map(([tree, directory]) => ({ tree, directory })));
}

/** How a new process comes into a cgroup. */
export interface CgroupEntrance {
  /** It is cloned into v2's directory, if there is one: see `linux/clone.ts`. */
  readonly bornIn: string | undefined;
  /**
   * v1 in the child, as itself and while it has one thread, before it unshares its cgroup namespace
   * (whose root is the cgroup it is in at that moment) and before it loses sight of `/sys/fs/cgroup`.
   */
  readonly join: Step[];
}

export interface CgroupSteps extends CgroupEntrance {
  /** Before the clone, in the shim: the directories, then every limit. */
  readonly create: Step[];
  /**
   * After the container's init was waited for, or after any failure: kills what is left where the
   * kernel can, and removes every directory there is. May run twice; never fails because a
   * directory is not there. It takes two seconds at most, then fails with what rmdir says. Its
   * labels allow it once in a plan.
   */
  readonly remove: Step[];
  /** The file in which the kernel counts, as `oom_kill`, whom it has killed for lack of memory. */
  readonly oomCounter: string | undefined;
  /** The directories, for whoever shows them to the container. */
  readonly folders: readonly CgroupFolder[];
}

export interface CgroupFolder {
  readonly version: 1 | 2;
  /** What its hierarchy is called under `/sys/fs/cgroup`: `memory`, `cpu,cpuacct`, `systemd`. */
  readonly name: string;
  readonly directory: string;
}

/** The cgroup's directory in one hierarchy. */
export function directoryOf(tree: Hierarchy, path: string): string {
  return `${tree.mountPoint}${path}`;
}

function oomCounterOf({ of: { memory } }: Hierarchies, path: string): string | undefined {
  if (memory === undefined) return undefined;
  const file = memory.version === 1 ? 'memory.oom_control' : 'memory.events';
  return `${directoryOf(memory, path)}/${file}`;
}

/** The controllers' names, or what a tree without any is good for. */
function nameOf(tree: Hierarchy): string {
  if (tree.version === 2) return 'cgroup v2';
  return tree.controllers.join(' and ');
}

function makeStep(tree: Hierarchy, path: string): Step {
  const directory = directoryOf(tree, path);
  const why = `a cgroup is a directory: the container's own for ${nameOf(tree)}`;
  return call('mkdirat', [flags('AT_FDCWD'), text(directory), mode(0o755)], why);
}

function fileOf({ of, unified }: Hierarchies, path: string, setting: Setting): string {
  const tree = setting.controller === 'core' ? unified : of[setting.controller];
  if (tree === undefined) throw new Error(`${setting.file} has no hierarchy`);
  return `${directoryOf(tree, path)}/${setting.file}`;
}

function writeSteps(file: string, { content, why }: Pick<Setting, 'content' | 'why'>): Step[] {
  const fd = result('limit');
  const bytes = new TextEncoder().encode(content);
  const open = flags('O_WRONLY', 'O_CLOEXEC');
  return [
    call('openat', [flags('AT_FDCWD'), text(file), open], why, { save: fd }),
    call('write', [fd, text(content), bytes.length], why),
    call('close', [fd], 'written', { pause: false }),
  ];
}

interface Place {
  readonly tree: Hierarchy;
  readonly directory: string;
}

/**
 * Into v1 by `tasks` and not by `cgroup.procs`: for one thread that moves itself the kernel need not wait
 * until nobody forks (`cgroup_procs_write_start`, since Linux 5.5), and ours has no other.
 */
function entrance(places: readonly Place[]): CgroupEntrance {
  return {
    bornIn: places.find(({ tree }) => tree.version === 2)?.directory,
    join: places
      .filter(({ tree }) => tree.version === 1)
      .flatMap(({ tree, directory }) => {
        const why = `"0" is whoever writes it: this process goes under ${nameOf(tree)}`;
        return writeSteps(`${directory}/tasks`, { content: '0', why });
      }),
  };
}

/** One write kills everything in the cgroup and below it. Linux 5.14; before that it is not there. */
function killSteps(unified: Hierarchy, path: string): Step[] {
  const fd = result('kill');
  const file = `${directoryOf(unified, path)}/cgroup.kill`;
  const open = flags('O_WRONLY', 'O_CLOEXEC');
  const about = { tolerate: ['ENOENT'], save: fd } as const;
  const why = 'whatever still lives in the container shall not keep its cgroup';
  return [
    call('openat', [flags('AT_FDCWD'), text(file), open], why, about),
    // Where there is no such file, `fd` holds -ENOENT and these two are refused with EBADF.
    call('write', [fd, text('1'), 1], 'kill them all', { tolerate: ['EBADF'] }),
    call('close', [fd], 'written', { tolerate: ['EBADF'], pause: false }),
  ];
}

function removeStep(directory: string, why: string): Step {
  const args = [flags('AT_FDCWD'), text(directory), flags('AT_REMOVEDIR')];
  return call('unlinkat', args, why, { tolerate: ['ENOENT'] });
}

/**
 * Removes a directory that a dying process may keep busy for a moment: tries every millisecond,
 * until a timer of two seconds has run out. A process leaves all hierarchies in one moment, so
 * only the first one's directory needs this patience.
 */
function patientRemoveSteps(directory: string): Step[] {
  const timer = result('timer');
  const place = [flags('AT_FDCWD'), text(directory)] as const;
  const again = `try ${directory} again`;
  const gone = `${directory} is gone`;
  const twoSeconds = pointer(block('2 s', [0, 0, 2, 0], { shown: '{0, 2 s}' }));
  const aMoment = pointer(block('1 ms', [0, 1_000_000], { shown: '{1 ms}' }));
  const timerFlags = flags('TFD_NONBLOCK', 'TFD_CLOEXEC');
  const quiet = { pause: false } as const;
  return [
    call('timerfd_create', [flags('CLOCK_MONOTONIC'), timerFlags], 'patience has an end', {
      save: timer,
      ...quiet,
    }),
    call('timerfd_settime', [timer, 0, twoSeconds, 0], 'this is its end', quiet),
    call('unlinkat', [...place, flags('AT_REMOVEDIR')], 'nobody is in it any more', {
      label: again,
      tolerate: ['EBUSY', 'ENOENT'],
      jump: { on: 'zero', to: gone },
    }),
    call('faccessat', [...place, 0], 'or was it never there?', {
      jump: { on: 'negative', to: gone },
      ...quiet,
    }),
    call('nanosleep', [aMoment, 0], 'a dying process is still in it: give it a moment', quiet),
    call('read', [timer, pointer(buffer('expirations', 8)), 8], 'EAGAIN: there is time left', {
      jump: { on: 'negative', to: again },
      ...quiet,
    }),
    removeStep(directory, 'the last try: what it says is what went wrong'),
    call('close', [timer], 'no more patience needed', { label: gone, ...quiet }),
  ];
}
