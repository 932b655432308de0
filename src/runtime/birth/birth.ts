import type { CgroupEntrance, CgroupFolder } from '../../linux/cgroup/index.ts';
import type { Block, Step, Value } from '../../linux/plan/index.ts';
import type { Spec } from '../spec.ts';
import type { InnerHooks } from './hooks.ts';
import type { Listener } from './listener.ts';
import type { MemoryFiles } from './memory.ts';
import type { SourceKind } from './mounts.ts';
import type { Namespaces } from './namespaces.ts';
import type { Machine } from './process.ts';
import type { RootSource } from './rootfs.ts';
import type { Terminal } from './terminal.ts';

/** Everything that the birth of a container depends on. Whatever had to be looked up was looked up. */
export interface Birth {
  readonly id: string;
  readonly spec: Spec;
  readonly root: RootSource;
  readonly machine: Machine;
  readonly sourceKind: SourceKind;
  /** Files that some of the mounts show. */
  readonly memory?: MemoryFiles | undefined;
  /** Bytes of the installed walker's file. */
  readonly walkerSize: number;
  readonly cgroup?: CgroupSteps | undefined;
  readonly network?: NetworkSteps | undefined;
  /** The filter, ready to load, and whom it asks. */
  readonly seccomp?: readonly Step[] | undefined;
  readonly listener?: Listener | undefined;
  /** What was found out before, to be said with the rest. */
  readonly warnings?: readonly string[] | undefined;
  readonly io: Io;
  /**
   * The container dies with the command that started it. Without, the shim lives on once it has
   * heard a byte on the control socket: by then the engine has written down who it is.
   */
  readonly bound?: boolean | undefined;
  /** Where the shim writes how the container ended. */
  readonly exitRecord?: string | undefined;
  /**
   * A FIFO: init waits there for a byte before it executes its program (`create`, then `start`). It is a
   * child of who started the shim then, which leaves as soon as all is ready: see `adoption.ts`.
   */
  readonly startFifo?: string | undefined;
  /** Another one, where `start` hears how it went: see `outcome.ts`. */
  readonly outcomeFifo?: string | undefined;
  /** The engine wants to be asked before init goes on, since there are hooks to run. */
  readonly hooks?: boolean | undefined;
  /** Those that init runs itself; then `hooks` is set, too, for their state to be written. */
  readonly innerHooks?: InnerHooks | undefined;
  /** PID 1 is ours, and the program its child: see `reaper.ts`. */
  readonly init?: boolean | undefined;
  /** How many fds from 3 on the program keeps. */
  readonly preserveFds?: number | undefined;
}

/** The life of the container's cgroup; see `linux/cgroup`. */
export interface CgroupSteps extends CgroupEntrance {
  readonly create: readonly Step[];
  readonly remove: readonly Step[];
  /** Goes into the exit record: see `exitRecordSteps`. */
  readonly oomCounter?: string | undefined;
  /** Its directories on the host. */
  readonly folders?: readonly CgroupFolder[] | undefined;
}

/** What attaches a container to a network: in the shim, and then inside the new namespace. */
export interface NetworkSteps {
  /** `netns` is the shim's fd of init's network namespace. */
  readonly shim: (netns: Value) => readonly Step[];
  readonly init: readonly Step[];
  /** When its life is over, also when it never began. */
  readonly release?: readonly Step[] | undefined;
  /** What further processes do that `shim` makes. */
  readonly apart?: readonly Step[] | undefined;
}

/** What becomes of fds 0, 1 and 2. */
export type Io =
  /** They are those that the walker was started with. */
  | { readonly kind: 'inherit' }
  /** A terminal, pumped between the container and fds 0 and 1 of the shim. */
  | { readonly kind: 'terminal' }
  /** A terminal whose master is sent to whoever listens on a unix socket, as runc does it. */
  | { readonly kind: 'console'; readonly socket: string }
  /** Output goes into a log file. With `typed` a terminal's input comes from fd 0 of the shim. */
  | { readonly kind: 'log'; readonly path: string; readonly typed?: boolean | undefined };

/** What shim and init open for each other; each reads the other's numbers from the shared memory. */
export interface Meeting {
  /** Init's directory in /proc and its network namespace, as fds of init. */
  readonly proc: Value;
  readonly netns: Value;
  readonly terminal: Terminal | undefined;
  /** Pipes for output and errors, where they go into a log: [0] to read, [1] to write. */
  readonly pipes: { readonly out: Block; readonly err: Block } | undefined;
}

/** Whether init has to wait for the shim before it goes on. */
export function needsHelp(birth: Birth, { fresh }: Namespaces): boolean {
  return fresh.has('user') || birth.network !== undefined || birth.hooks === true;
}
