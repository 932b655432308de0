import { existsSync, mkdirSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import type { Controller, Hierarchies, Hierarchy } from './detect.ts';
import { errnoOf, readKnob, writeKnob } from './files.ts';
import { requirePath } from './path.ts';

/**
 * Makes `parent` (such as `/cloche`) ready in every hierarchy, so that a cgroup made below it has
 * all the files its controllers have. Once for each machine, not for each container; may be
 * repeated, also by several processes at once.
 *
 * - v1: directories; in `cpuset`, a cgroup without CPUs and memory nodes takes no process, so they
 *   are filled from above, and children are told to copy them.
 * - v2: every controller of `cgroup.controllers` is enabled in `cgroup.subtree_control` on the way
 *   down, one by one, since one that fails would make the kernel refuse the whole line. Where the
 *   tree's root is no real root but the cgroup of a container in which we run, its processes are
 *   moved into a leaf first, since a cgroup with processes cannot give controllers to its children.
 *
 * @returns the hierarchies as they are below `parent`: without the controllers that v2 refused.
 * @throws {ClocheError} `CGROUP_PATH_INVALID`, `CGROUP_PARENT_FAILED`, `CGROUP_WRITE_FAILED`.
 */
export function prepareParent(hierarchies: Hierarchies, parent: string): Hierarchies {
  requirePath(parent);
  const levels = levelsOf(parent);
  for (const tree of hierarchies.all) {
    for (const level of levels) makeDirectory(`${tree.mountPoint}${level}`);
    if (tree.controllers.includes('cpuset') && tree.version === 1) fillCpusets(tree, levels);
  }
  const { unified } = hierarchies;
  if (unified === undefined) return hierarchies;
  // On a hybrid machine v2 is for killing and freezing. A controller that is enabled there is lost to
  // every v1 hierarchy, and other engines (crun) refuse to work beside it.
  if (hierarchies.mode === 'hybrid') return keepEnabled(hierarchies, unified, []);
  for (const level of ['', ...levels]) enableControllers(`${unified.mountPoint}${level}`);
  const enabled = readKnob(`${unified.mountPoint}${parent}/cgroup.subtree_control`) ?? '';
  return keepEnabled(hierarchies, unified, enabled.split(' '));
}

/** `/a/b` → `/a`, `/a/b`. */
function levelsOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_, i) => `/${names.slice(0, i + 1).join('/')}`);
}

function makeDirectory(path: string) {
  // An exception costs more than the question, and it has been there since the first container.
  if (existsSync(path)) return;
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    throw new ClocheError(
      'CGROUP_PARENT_FAILED',
      `cannot make cgroup '${path}': ${errnoOf(error)}`,
      {
        class: errnoOf(error) === 'ENOENT' ? 'unavailable' : 'permission-denied',
        hint: 'Are you root, and is the cgroup filesystem mounted writable?',
        details: { path, errno: errnoOf(error) },
        cause: error,
      },
    );
  }
}

function fillCpusets(tree: Hierarchy, levels: readonly string[]) {
  for (const [i, level] of levels.entries()) {
    const above = `${tree.mountPoint}${levels[i - 1] ?? ''}`;
    const at = `${tree.mountPoint}${level}`;
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (readKnob(`${at}/${file}`) === '')
        writeKnob(`${at}/${file}`, readKnob(`${above}/${file}`) ?? '');
    const children = `${at}/cgroup.clone_children`;
    if (readKnob(children) !== '1') writeKnob(children, '1');
  }
}

function enableControllers(at: string) {
  const enabled = (readKnob(`${at}/cgroup.subtree_control`) ?? '').split(' ');
  const offered = (readKnob(`${at}/cgroup.controllers`) ?? '').split(' ');
  const wanted = offered.filter((name) => name !== '' && !enabled.includes(name));
  // Only the real root has no type, and only there processes and children may live side by side.
  // Before the first one: the kernel lets a cgroup with processes have cpu, cpuset and pids, yet
  // then its children are threaded, and nothing can be moved into them any more.
  if (wanted.length === 0 || (existsSync(`${at}/cgroup.type`) && !moveOutOf(at))) return;
  for (const name of wanted) enable(at, name);
}

/** What the kernel refuses stays off, and `prepareParent` says so. */
function enable(at: string, name: string) {
  try {
    writeKnob(`${at}/cgroup.subtree_control`, `+${name}`);
  } catch (error) {
    if (!['EBUSY', 'EINVAL', 'ENOENT', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error)))
      throw error;
  }
}

/**
 * Moves all processes of our own cgroup into `init` below it. Only when we are in it ourselves:
 * the processes of anybody else's cgroup are not ours to move.
 *
 * @returns whether nobody is left in it.
 */
function moveOutOf(at: string): boolean {
  const procs = `${at}/cgroup.procs`;
  const here = () => (readKnob(procs) ?? '').split('\n').filter((pid) => pid !== '');
  if (!here().includes(String(process.pid))) return here().length === 0;
  makeDirectory(`${at}/init`);
  // Those that were born while we moved the others are seen in the next round.
  for (let round = 0; round < 10 && here().length > 0; round++)
    for (const pid of here()) {
      // 0 is a process of another pid namespace, which cannot be named from here.
      if (pid !== '0') moveTolerantly(`${at}/init/cgroup.procs`, pid);
    }
  return here().length === 0;
}

function moveTolerantly(procs: string, pid: string) {
  try {
    writeKnob(procs, pid);
  } catch (error) {
    // Dead already, or a thread of the kernel, which stays where it is.
    if (!['ESRCH', 'EINVAL'].includes(errnoOf(error))) throw error;
  }
}

const CORE: readonly Controller[] = ['cpuacct', 'devices', 'freezer'];

function keepEnabled(
  hierarchies: Hierarchies,
  unified: Hierarchy,
  enabled: readonly string[],
): Hierarchies {
  const stays = (name: Controller) => CORE.includes(name) || enabled.includes(name);
  const kept = { ...unified, controllers: unified.controllers.filter(stays) };
  const of = Object.entries(hierarchies.of).flatMap(([name, tree]) => {
    if (tree !== unified) return [[name, tree] as const];
    return stays(name as Controller) ? [[name, kept] as const] : [];
  });
  const all = hierarchies.all.map((tree) => (tree === unified ? kept : tree));
  return { ...hierarchies, unified: kept, all, of: Object.fromEntries(of) };
}
