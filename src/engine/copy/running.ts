import { closeSync, constants, openSync } from 'node:fs';
import { conflict, type Destination, type Dress } from '../../build/copy/destination.ts';
import type { Item } from '../../build/copy/gather.ts';
import { ClocheError } from '../../error.ts';
import { LIVE, O_PATH } from '../../image/layer/beneath.ts';
import { pathname } from '../../image/layer/pathname.ts';
import { type EntryKind, nameOf, parentOf, type RawPath } from '../../image/layer/scan.ts';
import { setTime } from '../../image/layer/times.ts';
import { find, type Tree } from '../../image/tree.ts';
import { perform } from '../../linux/perform.ts';
import { plan, type Step } from '../../linux/plan/index.ts';
import { isAlive } from '../life/processes.ts';
import type { Container } from '../life/records.ts';
import {
  directorySteps,
  dressDirectorySteps,
  endStep,
  enterSteps,
  fileSteps,
  linkSteps,
  removeSteps,
  rootSteps,
} from './steps.ts';

/** So many bytes a plan, of the 16 MB that one may have. */
const BATCH = 8 * 1024 * 1024;
/** What a file takes of it: a dozen steps, their paths, times. */
const PER_FILE = 4096;

/**
 * The files of a container that runs, as it sees them itself: written through its own mounts, since what is
 * written below a mounted overlay is undefined. Each is made by a plan, whose paths openat2(2) resolves
 * within the container's root, so that nobody inside can lead it out.
 */
export class RunningFiles implements Destination {
  readonly tree: Tree;
  readonly #container: Container;
  readonly #fd: number;
  readonly #root: string;
  readonly #made = new Map<RawPath, EntryKind>();
  readonly #times = new Map<RawPath, bigint>();
  #work: Work[] = [];
  #size = 0;

  /** Undefined for a container that does not run. */
  static of(container: Container): RunningFiles | undefined {
    const fd = isAlive(container) ? rootOf(container) : undefined;
    if (fd === undefined) return undefined;
    const files = new RunningFiles(container, fd);
    // Only now is it certain whose root that is.
    if (isAlive(container)) return files;
    files.close();
    return undefined;
  }

  private constructor(container: Container, fd: number) {
    this.#container = container;
    this.#fd = fd;
    // The walker, another process, finds it there as well.
    this.#root = `/proc/${process.pid}/fd/${fd}`;
    this.tree = { layers: [{ directory: this.#root, opaque: [], look: LIVE }] };
  }

  close(): void {
    closeSync(this.#fd);
  }

  at(path: RawPath): { readonly kind: EntryKind } | undefined {
    const kind = this.#made.get(path);
    if (kind !== undefined) return { kind };
    if (this.#made.has(parentOf(path))) return undefined;
    return find(this.tree, path, { follow: false });
  }

  makeDirectory(path: RawPath, dress: Dress): void {
    this.#add(path, directorySteps(nameOf(path), dress), dress);
    this.#made.set(path, 'directory');
    this.#times.set(path, dress.mtime);
  }

  dressDirectory(path: RawPath, dress: Dress): void {
    this.#add(path, dressDirectorySteps(nameOf(path), dress), dress);
    this.#times.set(path, dress.mtime);
  }

  /** A directory is never replaced: cp does not, and only ADD's archives ask for it. */
  makeRoom(path: RawPath): void {
    if (this.at(path)?.kind === 'directory')
      throw conflict(`cannot copy a file over the directory '/${path}'`);
    this.#add(path, removeSteps(nameOf(path)));
  }

  async put(path: RawPath, item: Item, dress: Dress): Promise<void> {
    this.#add(path, fileSteps(nameOf(path), item, dress), dress);
    this.#made.set(path, item.node.kind);
    if (this.#size > BATCH) await this.#flush();
  }

  link(first: RawPath, path: RawPath): void {
    this.#add(path, linkSteps(first, nameOf(path)));
    this.#made.set(path, 'file');
  }

  /** A directory gets its time when nothing is put into it any more. */
  async finish(): Promise<void> {
    for (const [path, mtime] of [...this.#times].reverse())
      this.#add(path, [setTime(pathname(nameOf(path)), mtime)]);
    await this.#flush();
  }

  #add(path: RawPath, steps: readonly Step[], dress?: Dress): void {
    this.#work.push({ directory: parentOf(path), steps });
    this.#size += PER_FILE;
    for (const value of dress?.xattrs?.values() ?? []) this.#size += value.length;
  }

  async #flush(): Promise<void> {
    const steps = rootSteps(this.#root);
    let here: RawPath | undefined;
    for (const { directory, steps: own } of this.#work) {
      if (directory !== here) steps.push(...enterSteps(directory));
      steps.push(...own);
      here = directory;
    }
    [this.#work, this.#size] = [[], 0];
    try {
      await perform(plan('copy into a container', [...steps, endStep()]));
    } catch (error) {
      throw explained(error, this.#container.name);
    }
  }
}

/** Undefined if its init has ended by now. */
function rootOf({ pid }: Container): number | undefined {
  try {
    return openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What is to be done in one directory. */
interface Work {
  readonly directory: RawPath;
  readonly steps: readonly Step[];
}

/** What the kernel refuses there, in docker's words where it has some. */
function explained(error: unknown, name: string): unknown {
  if (!(error instanceof ClocheError)) return error;
  const { call, errno } = error.details ?? {};
  const [message, hint] = REFUSALS[`${call} ${errno}`] ?? REFUSALS[String(errno)] ?? [];
  if (message === undefined) return error;
  return new ClocheError('COPY_REFUSED', `cannot copy into '${name}': ${message}`, {
    class: 'conflict',
    hint,
    cause: error,
  });
}

const REFUSALS: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  EROFS: ['what is there is marked read-only', 'copy to a volume or a tmpfs that may be written'],
  'openat2 EXDEV': [
    'the file is a mount of its own',
    'write into it: cloche exec -i CONTAINER sh -c "cat > FILE" < FILE',
  ],
  ENOSPC: ['no space left on device', 'make room there; df in the container shows it'],
  EDQUOT: ['the quota is used up', 'make room there'],
  ...Object.fromEntries(
    ['ENOENT', 'ENOTDIR', 'ELOOP', 'EEXIST'].map((errno) => [
      errno,
      [
        'what is there changes meanwhile, or takes nothing new',
        'cloche pause CONTAINER, and again',
      ],
    ]),
  ),
};
