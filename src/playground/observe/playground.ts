import { allProcesses, namespaceOf, type ProcessView, readProcess } from './process.ts';
import type { FileId, RootView } from './root.ts';

/** What the playground needs of an engine. */
export interface Containers {
  /** The first process of the running container, by its pid in the observer's namespace. */
  find(name: string): Promise<{ readonly pid: number } | undefined>;
  /** Kills the container if it runs, and removes it; nothing where there is none. */
  remove(name: string): Promise<void>;
}

/** The lesson's container while it runs: what checks look at. */
export class Playground {
  /** The container's first process. */
  readonly init: ProcessView;
  /** Every process in the container, also those in namespaces that the learner made there. */
  readonly processes: readonly ProcessView[];

  constructor(init: ProcessView, processes: readonly ProcessView[]) {
    this.init = init;
    this.processes = processes;
  }

  /** The container's own files. */
  get files(): RootView {
    return this.init.root;
  }

  /** Processes whose `/` is the folder at `path` in the container: those in that chroot. */
  inChroot(path: string): ProcessView[] {
    const wanted = this.files.id(path);
    return wanted === undefined ? [] : this.rootedAt(wanted);
  }

  rootedAt(root: FileId): ProcessView[] {
    return this.processes.filter((one) => one.rootId === root);
  }

  named(comm: string): ProcessView[] {
    return this.processes.filter((one) => one.comm === comm);
  }
}

/**
 * Looks at the container `name` now. Its processes are those in its pid namespace and their
 * descendants: a process that was put in by `exec` has its parent outside, and one that was
 * unshared has another namespace but its parent inside.
 *
 * @returns undefined while no such container runs.
 */
export async function lookAt(
  name: string,
  containers: Containers,
): Promise<Playground | undefined> {
  const pid = (await containers.find(name))?.pid;
  const init = pid === undefined ? undefined : readProcess(pid);
  if (init === undefined) return undefined;
  return new Playground(init, family(init, allProcesses()));
}

function family(init: ProcessView, all: readonly ProcessView[]): ProcessView[] {
  const home = namespaceOf(init.pid, 'pid');
  const parents = new Map(all.map((one) => [one.pid, one.ppid]));
  const known = new Map<number, boolean>();
  const belongs = (pid: number): boolean => {
    const answer = known.get(pid);
    if (answer !== undefined) return answer;
    // Written first: a pid that was used again between two readings must not send us in circles.
    known.set(pid, false);
    const parent = parents.get(pid) ?? 0;
    const inside = namespaceOf(pid, 'pid') === home || (parent > 1 && belongs(parent));
    known.set(pid, inside);
    return inside;
  };
  return all.filter((one) => belongs(one.pid));
}
