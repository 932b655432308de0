import { closeSync, constants, openSync, readSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ClocheError } from '../error.ts';
import type { Arch } from './abi/arch.ts';
import { type PlanMemory, planMemory } from './memory.ts';
import { type Block, type EncodedPlan, pauseOn } from './plan/index.ts';
import { installedWalker } from './walker/install.ts';

/** The fd of the walker's end of the control socket, for what a plan says and hears. */
export const CONTROL_FD = 4;
/** The fd on which a stepped plan waits. */
export const PAUSE_FD = 5;
/** The first of `extraFds`. */
export const EXTRA_FD = 6;

export interface LaunchOptions {
  /** What the walker has as fds 0, 1 and 2: an fd of ours, or inherit (the default), or nothing. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio] | undefined;
  /** More fds of ours for the walker, from EXTRA_FD on. */
  readonly extraFds?: readonly number[] | undefined;
  /** Give the plan a socket at CONTROL_FD whose other end is `launched.control`. */
  readonly control?: boolean | undefined;
  /** Say each pausing step's index (u64) on `pauses` and wait there for a byte before performing it. */
  readonly pause?: boolean | undefined;
  /** Note when each step began and ended. */
  readonly time?: boolean | undefined;
  /** Another machine's walker, by its path, and the program that runs it: `['qemu-aarch64-static']`. */
  readonly through?: { command: readonly string[]; arch: Arch; walker: string } | undefined;
}

/** `pipe` only for 1 and 2: they are read from `launched.output`. */
export type Stdio = 'inherit' | 'ignore' | 'pipe' | number;

/** A running (or ended) walker, and the plan's memory that it shares with us. */
export interface Launched {
  readonly pid: number;
  /** The exit code; 128 + n when signal n killed it. */
  readonly exited: Promise<number>;
  /** Our end of the control socket, non-blocking; -1 without one. Closed by `close`. */
  readonly control: number;
  /** Our end of the socket on which a stepped plan waits, as `control`. */
  readonly pauses: number;
  /** What comes out of a piped 1 and 2. */
  readonly output: readonly [
    ReadableStream<Uint8Array> | undefined,
    ReadableStream<Uint8Array> | undefined,
  ];
  /** The plan's memory as it is by now. */
  readonly memory: PlanMemory;
  /** Writes into a block of it; whoever reads it must be waiting for our word. */
  write(to: Block, content: Uint8Array): void;
  /** A copy of the memory that stays when `close` has let go of it. */
  keep(): PlanMemory;
  /** Lets go of the plan's memory. The walker keeps its own hold. */
  close(): void;
  /** Lets a process that outlives this one run on: nobody waits for it any more. */
  unref(): void;
}

/**
 * Starts a walker on an encoded plan and returns at once; whether it is timed was said when it was encoded.
 *
 * The plan is written into a nameless file in memory, which the walker maps shared: what it writes
 * there we read here, while it runs and after it has ended, and nothing remains when both let go.
 *
 * @throws {ClocheError} `WALKER_NOT_INSTALLED`, `WALKER_NOT_STARTED`.
 */
export function launchEncoded(encoded: EncodedPlan, options: LaunchOptions = {}): Launched {
  const { command = [], walker = installedWalker().path } = options.through ?? {};
  if (options.pause === true) pauseOn(encoded, PAUSE_FD);
  const memory = sharedMemory(encoded.bytes);
  const stdio = options.stdio ?? ['inherit', 'inherit', 'inherit'];
  const child = spawn(
    [...command, walker],
    [...stdio, memory, pipeIf(options.control), pipeIf(options.pause), ...(options.extraFds ?? [])],
    () => closeSync(memory),
  );
  const control = options.control === true ? Number(child.stdio[CONTROL_FD]) : -1;
  const pauses = options.pause === true ? Number(child.stdio[PAUSE_FD]) : -1;
  return {
    pid: child.pid,
    // 128 + n already where signal n ended it.
    exited: child.exited,
    control,
    output: [streamOf(child.stdout), streamOf(child.stderr)],
    pauses,
    memory: planMemory(encoded, (at, size) => bytesOf(memory, at, size)),
    write: (to, content) => {
      const at = encoded.offsetOf.get(to);
      if (at === undefined || content.length > to.size)
        throw new RangeError(`${content.length} bytes do not fit into '${to.name}'`);
      writeSync(memory, content, 0, content.length, at);
    },
    keep: () => {
      const copy = bytesOf(memory, 0, encoded.bytes.length);
      return planMemory(encoded, (at, size) => copy.subarray(at, at + size));
    },
    close: () => {
      closeSync(memory);
      for (const fd of [control, pauses]) if (fd >= 0) closeSync(fd);
    },
    unref: () => child.unref(),
  };
}

/** What a plan says on its control socket, letter by letter, until it is closed. */
export async function* words(control: number): AsyncGenerator<string> {
  try {
    for await (const chunk of Bun.file(control).stream()) yield* new TextDecoder().decode(chunk);
  } catch {
    // ECONNRESET: it has ended with something of ours unread.
  }
}

function streamOf(output: unknown): ReadableStream<Uint8Array> | undefined {
  return output instanceof ReadableStream ? output : undefined;
}

function pipeIf(wanted: boolean | undefined): 'pipe' | 'ignore' {
  return wanted === true ? 'pipe' : 'ignore';
}

/** A file without a name, in memory where there is such a filesystem, holding `content`. */
function sharedMemory(content: Uint8Array): number {
  const fd = openNameless();
  let written = 0;
  while (written < content.length) written += writeSync(fd, content, written);
  return fd;
}

let memoryDirectory: string | undefined;

function openNameless(): number {
  const candidates =
    memoryDirectory === undefined ? ['/dev/shm', '/run', tmpdir()] : [memoryDirectory];
  for (const directory of candidates) {
    try {
      const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
      memoryDirectory = directory;
      return fd;
    } catch {}
  }
  throw new ClocheError('WALKER_NOT_STARTED', `no place for a plan in ${candidates.join(', ')}`, {
    class: 'unavailable',
    hint: 'cloche needs one directory for temporary files that it can write; is a disk full?',
  });
}

const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

function spawn(command: string[], stdio: Stdio[], onFailure: () => void) {
  try {
    return Bun.spawn(command, { stdio: stdio as ['inherit', 'inherit', 'inherit'], env: {} });
  } catch (cause) {
    onFailure();
    const path = command.at(-1) ?? '';
    const there = statSync(path, { throwIfNoEntry: false }) !== undefined;
    throw new ClocheError('WALKER_NOT_STARTED', `cannot start the walker '${path}'`, {
      class: 'unavailable',
      hint: there
        ? 'is the state directory on a filesystem mounted with noexec? CLOCHE_ROOT names another one'
        : 'it is not there any more; run the command again',
      cause,
    });
  }
}

function bytesOf(fd: number, at: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  readSync(fd, bytes, 0, size, at);
  return bytes;
}
