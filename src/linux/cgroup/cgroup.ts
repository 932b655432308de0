import { existsSync, readFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { soon } from '../soon.ts';
import { type Controller, type Hierarchies, type Hierarchy, parseProcCgroup } from './detect.ts';
import { readNumber, writeKnob } from './files.ts';
import { freeze, isFrozen, isHeld, thaw } from './freezer.ts';
import { unsupported } from './limits.ts';
import type { LinuxResources } from './resources.ts';
import { missingController, settingsOf } from './settings.ts';
import { type CgroupStats, cpuV1, cpuV2, IO, MEMORY, PIDS } from './stats.ts';
import { processesBelow, removeTree, signalKill } from './tree.ts';

/**
 * The cgroup at `path` (such as `/cloche/<id>`) in every hierarchy where it exists.
 *
 * @throws {ClocheError} `CGROUP_NOT_FOUND`: it exists in none.
 */
export function openCgroup(hierarchies: Hierarchies, path: string): Cgroup {
  const places = hierarchies.all.map((tree) => [tree, join(tree.mountPoint, path)] as const);
  const found = places.filter(([, directory]) => existsSync(directory));
  if (found.length > 0) return new Cgroup(hierarchies, path, new Map(found));
  const where = hierarchies.all.map(({ mountPoint }) => mountPoint).join(', ');
  throw new ClocheError('CGROUP_NOT_FOUND', `there is no cgroup '${path}'`, {
    class: 'not-found',
    hint: where === '' ? 'No cgroups are mounted.' : `Looked in ${where}.`,
  });
}

/**
 * The cgroups that a process is in, which may have another path in each hierarchy.
 *
 * @param pid as in our own pid namespace, or `self`.
 * @throws {ClocheError} `CGROUP_NOT_FOUND`: there is no such process.
 */
export function cgroupOf(hierarchies: Hierarchies, pid: number | 'self'): Cgroup {
  const paths = parseProcCgroup(readProc(pid));
  const places = hierarchies.all.flatMap((tree) => {
    const path = paths.get(tree.version === 2 ? '' : (tree.controllers[0] ?? ''));
    if (path === undefined) return [];
    const seen =
      tree.root !== '/' && path.startsWith(tree.root) ? path.slice(tree.root.length) : path;
    return [[tree, join(tree.mountPoint, seen)] as const];
  });
  return new Cgroup(hierarchies, `of process ${pid}`, new Map(places));
}

/** A handle on an existing cgroup. It does direct file I/O and holds nothing open. */
export class Cgroup {
  readonly path: string;
  /** The cgroup's directory in each hierarchy where it exists. */
  readonly directories: ReadonlyMap<Hierarchy, string>;
  readonly #hierarchies: Hierarchies;

  /** Use `openCgroup` or `cgroupOf`. */
  constructor(hierarchies: Hierarchies, path: string, directories: Map<Hierarchy, string>) {
    this.#hierarchies = hierarchies;
    this.path = path;
    this.directories = directories;
  }

  /** The directory that has the controller's files; undefined where there is none. */
  directory(controller: Controller): string | undefined {
    const tree = this.#hierarchies.of[controller];
    return tree === undefined ? undefined : this.directories.get(tree);
  }

  /** The kernel's counters as they are now; units in `CgroupStats`. */
  stats(): CgroupStats {
    const read = <T>(
      controller: Controller,
      readers: Record<1 | 2, (at: string) => T | undefined>,
    ) => {
      const directory = this.directory(controller);
      const version = this.#hierarchies.of[controller]?.version;
      return directory && version ? readers[version](directory) : undefined;
    };
    return {
      memory: read('memory', MEMORY),
      cpu: this.#cpuStats(),
      pids: read('pids', PIDS),
      io: read('io', IO),
    };
  }

  /** The processes in the cgroup and below it, in any hierarchy; pids as we see them, ascending. */
  processes(): number[] {
    const pids = [...this.directories.values()].flatMap(processesBelow);
    return [...new Set(pids)].sort((a, b) => a - b);
  }

  /**
   * Stops every process in the cgroup; resolves when all of them stand still.
   *
   * @throws {ClocheError} `CGROUP_FREEZE_FAILED` after five seconds, and then nothing is frozen;
   *   `CGROUP_CONTROLLER_MISSING`.
   */
  async freeze(): Promise<void> {
    const { at, version } = this.#freezer();
    if (await freeze(at, version)) return;
    throw new ClocheError('CGROUP_FREEZE_FAILED', `cgroup '${this.path}' does not freeze`, {
      class: 'unavailable',
      hint: 'A process waits for a disk or a network filesystem and cannot be stopped; try again.',
      details: { processes: this.processes() },
    });
  }

  /** Lets the processes go on. */
  thaw(): void {
    const { at, version } = this.#freezer();
    thaw(at, version);
  }

  /** Whether the freezer holds it, or is about to: who asked may have been killed before all of them stood still. */
  isHeld(): boolean {
    const { at, version } = this.#freezer();
    return isHeld(at, version);
  }

  isFrozen(): boolean {
    const { at, version } = this.#freezer();
    return isFrozen(at, version);
  }

  /**
   * Kills every process in the cgroup and below it; resolves when none is left.
   *
   * @throws {ClocheError} `CGROUP_HOLDS_US`: this process is in it; `CGROUP_BUSY` after five seconds.
   */
  async kill(): Promise<void> {
    if (this.processes().includes(process.pid))
      throw new ClocheError('CGROUP_HOLDS_US', `we are in cgroup '${this.path}' ourselves`, {
        class: 'conflict',
        hint: 'Move this process into another cgroup first.',
      });
    const { unified } = this.#hierarchies;
    const kill = unified && `${this.directories.get(unified)}/cgroup.kill`;
    const ended = await soon(5000, () => {
      if (kill !== undefined && existsSync(kill)) writeKnob(kill, '1');
      const left = this.processes();
      for (const pid of left) signalKill(pid);
      // v1: who is frozen dies only when thawed.
      if (left.length > 0 && this.#hierarchies.of.freezer?.version === 1) this.thaw();
      return left.length === 0;
    });
    if (!ended) throw this.#busy();
  }

  /**
   * Removes the cgroup and all below it, in every hierarchy. No process may be in it, yet those that
   * are dying get two seconds to go. What is gone already is fine.
   *
   * @throws {ClocheError} `CGROUP_BUSY`: names the processes that are in it.
   */
  async remove(): Promise<void> {
    const removed = () => [...this.directories.values()].map(removeTree).every((gone) => gone);
    if (!(await soon(2000, removed))) throw this.#busy();
  }

  /**
   * Changes the limits of the running cgroup; what is not named stays as it is.
   *
   * @throws {ClocheError} as `settingsOf`; `CGROUP_WRITE_FAILED`: the kernel refused one (those
   *   before it are in force); `CGROUP_UNSUPPORTED`: device rules; `CGROUP_IN_USE`: the memory check.
   */
  update(resources: LinuxResources): void {
    if (resources.devices?.length)
      throw unsupported(
        'devices',
        this.#hierarchies.of.devices?.version ?? 2,
        'it holds from birth',
      );
    this.#checkMemory(resources);
    const memory = this.directory('memory');
    const memorySwap = readNumber(`${memory}/memory.memsw.limit_in_bytes`);
    const { files } = settingsOf(this.#hierarchies, resources, { memorySwap });
    for (const { controller, file, content } of files) {
      const directory = controller === 'core' ? this.#unified() : this.directory(controller);
      writeKnob(`${directory}/${file}`, content);
    }
  }

  #cpuStats() {
    const { cpu, cpuacct } = this.#hierarchies.of;
    if (cpuacct?.version !== 2) return cpuV1(this.directory('cpuacct'), this.directory('cpu'));
    const at = this.directory('cpuacct');
    const used = at === undefined ? undefined : cpuV2(at);
    const throttled = cpu?.version === 1 ? cpuV1(undefined, this.directory('cpu')) : undefined;
    if (used === undefined || throttled === undefined) return used;
    const { usage, user, system } = used;
    return { ...throttled, usage, user, system };
  }

  #freezer(): { at: string; version: 1 | 2 } {
    const tree = this.#hierarchies.of.freezer;
    const at = tree && this.directories.get(tree);
    if (tree === undefined || at === undefined)
      throw missingController(this.#hierarchies, 'freezer', 'freezer');
    return { at, version: tree.version };
  }

  #unified(): string | undefined {
    const { unified } = this.#hierarchies;
    return unified && this.directories.get(unified);
  }

  #checkMemory({ memory }: LinuxResources) {
    const used = this.stats().memory?.current ?? 0;
    const limit = memory?.limit ?? -1;
    if (!memory?.checkBeforeUpdate || limit < 0 || used <= limit) return;
    throw new ClocheError('CGROUP_IN_USE', `'${used}' bytes are in use, more than '${limit}'`, {
      class: 'conflict',
      hint: 'Without checkBeforeUpdate the kernel takes back what it can, or kills.',
    });
  }

  #busy(): ClocheError {
    const processes = this.processes();
    return new ClocheError('CGROUP_BUSY', `cgroup '${this.path}' is still in use`, {
      class: 'conflict',
      hint: processes.length === 0 ? undefined : `Its processes: ${processes.join(', ')}.`,
      details: { path: this.path, processes },
    });
  }
}

function readProc(pid: number | 'self'): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch (cause) {
    throw new ClocheError('CGROUP_NOT_FOUND', `there is no process '${pid}'`, {
      class: 'not-found',
      cause,
    });
  }
}

function join(mountPoint: string, path: string): string {
  return path === '/' ? mountPoint : `${mountPoint}${path}`;
}
