import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupMount, cgroupMounts } from './mounts.ts';

/**
 * Which cgroup hierarchy has which controller on this machine. A machine may have all of them on
 * v1 (one mount for each controller), all on v2 (one mount), or be hybrid; so the question is
 * asked for each controller, and `mode` is only the name for what came out.
 *
 * Reads `/proc/self/mountinfo`, `/proc/cgroups` and the v2 root's `cgroup.controllers`; a machine
 * without any of them is `none`, which is no error here.
 */
export function detectCgroups(): Hierarchies {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const mounts = cgroupMounts(read('/proc/self/mountinfo'));
  const v2 = mounts.find((mount) => mount.version === 2);
  return hierarchiesOf(mounts, {
    kernel: read('/proc/cgroups'),
    v2Controllers: v2 === undefined ? '' : read(join(v2.mountPoint, 'cgroup.controllers')),
  });
}

/** The controllers that cloche knows; `io` is called `blkio` on v1. */
export const CONTROLLERS = [
  'memory',
  'cpu',
  'cpuacct',
  'cpuset',
  'pids',
  'io',
  'devices',
  'freezer',
  'hugetlb',
  'rdma',
  'net_cls',
  'net_prio',
] as const;

export type Controller = (typeof CONTROLLERS)[number];

/**
 * - `v1`: cgroup v1 hierarchies only.
 * - `hybrid`: v1 hierarchies and a v2 mount beside them, with whichever controllers v1 left.
 * - `v2`: only the v2 mount.
 * - `none`: no cgroup filesystem is mounted where this process can see it.
 */
export type CgroupMode = 'v1' | 'hybrid' | 'v2' | 'none';

/** One mounted tree of cgroups. Compared by identity within one `Hierarchies`. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Where it is mounted, e.g. `/sys/fs/cgroup/memory`. A cgroup's path is relative to this. */
  readonly mountPoint: string;
  /** Which cgroup of the kernel's tree the mount shows as its root; `/` outside of containers. */
  readonly root: string;
  /** May be empty: a bare v2 tree still has `cgroup.kill`, `cgroup.freeze` and `cgroup.events`. */
  readonly controllers: readonly Controller[];
}

export interface Hierarchies {
  readonly mode: CgroupMode;
  /** Every tree that a container gets a cgroup in, v2 first: what waits and kills works best there. */
  readonly all: readonly Hierarchy[];
  /** The v2 tree, with or without controllers. */
  readonly unified: Hierarchy | undefined;
  /** The tree that has the controller, or undefined where the machine offers it nowhere. */
  readonly of: Readonly<Partial<Record<Controller, Hierarchy>>>;
  /** What `/proc/cgroups` says: a controller may be compiled in, yet switched off or not mounted. */
  readonly kernel: Readonly<Partial<Record<Controller, 'enabled' | 'disabled'>>>;
}

/** The three texts that decide; see `detectCgroups` for where they come from. */
export interface CgroupTexts {
  readonly mountinfo: string;
  readonly kernel: string;
  readonly v2Controllers: string;
}

/** The pure half of `detectCgroups`. */
export function parseHierarchies(texts: CgroupTexts): Hierarchies {
  return hierarchiesOf(cgroupMounts(texts.mountinfo), texts);
}

function hierarchiesOf(
  mounts: readonly CgroupMount[],
  texts: Omit<CgroupTexts, 'mountinfo'>,
): Hierarchies {
  const v1 = mounts.filter((mount) => mount.version === 1).map(v1Hierarchy);
  const trees = v1.filter((tree) => tree.controllers.length > 0);
  const v2Mount = mounts.find((mount) => mount.version === 2);
  const taken = new Set(trees.flatMap((tree) => tree.controllers));
  const unified = v2Mount && v2Hierarchy(v2Mount, texts.v2Controllers, taken);
  const all = unified === undefined ? trees : [unified, ...trees];
  const pairs = all.flatMap((tree) => tree.controllers.map((name) => [name, tree] as const));
  return {
    mode: modeOf(trees.length > 0, unified !== undefined),
    all,
    unified,
    of: Object.fromEntries(pairs),
    kernel: parseKernelControllers(texts.kernel),
  };
}

/** `/proc/<pid>/cgroup` as path by hierarchy: `parseProcCgroup(text).get('memory')`, `.get('')` for v2. */
export function parseProcCgroup(text: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, , names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (names === undefined || path === undefined) continue;
    for (const name of names.split(',')) paths.set(controllerOf(name) ?? name, path);
  }
  return paths;
}

function modeOf(hasV1: boolean, hasV2: boolean): CgroupMode {
  if (hasV1) return hasV2 ? 'hybrid' : 'v1';
  return hasV2 ? 'v2' : 'none';
}

function v1Hierarchy(mount: CgroupMount): Hierarchy {
  return { ...treeOf(mount), controllers: mount.options.flatMap((o) => controllerOf(o) ?? []) };
}

/** Accounting, freezing and device programs are in v2's core; no list names them. */
const V2_CORE: readonly Controller[] = ['cpuacct', 'devices', 'freezer'];

function v2Hierarchy(mount: CgroupMount, listed: string, taken: ReadonlySet<Controller>) {
  const names = listed.split(/\s+/).flatMap((name) => controllerOf(name) ?? []);
  const controllers = [...names, ...V2_CORE].filter((name) => !taken.has(name));
  return { ...treeOf(mount), controllers };
}

function treeOf({ version, mountPoint, root }: CgroupMount) {
  return { version, mountPoint, root };
}

function parseKernelControllers(text: string): Hierarchies['kernel'] {
  const pairs = text.split('\n').flatMap((line) => {
    const [name = '', , , enabled] = line.split(/\s+/);
    const controller = controllerOf(name);
    if (controller === undefined) return [];
    return [[controller, enabled === '1' ? 'enabled' : 'disabled'] as const];
  });
  return Object.fromEntries(pairs);
}

const KNOWN: ReadonlySet<string> = new Set(CONTROLLERS);

function controllerOf(name: string): Controller | undefined {
  const ours = name === 'blkio' ? 'io' : name;
  return KNOWN.has(ours) ? (ours as Controller) : undefined;
}
