import {
  buffer,
  call,
  flags,
  mode,
  pointer,
  type Step,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import type { Process } from '../spec.ts';
import { lettingGoSteps } from './adoption.ts';
import type { Meeting } from './birth.ts';
import { introduceSteps, type Listener } from './listener.ts';
import { lookupSteps } from './lookup.ts';
import { placeFds } from './preserved.ts';
import { becoming, executeSteps, type Machine, workingDirectorySteps } from './process.ts';
import { reaperSteps } from './reaper.ts';
import { INIT_FAILED, type Pair } from './shim.ts';
import { isShimThere } from './talk.ts';
import { takeTerminal } from './terminal.ts';

/** Where init stands as long as it is created: what fails from here on fails the `start`. */
export const AWAIT_START = 'await-start';

/** A process that stands in its namespaces and its root, and what it shall become. */
export interface Settling {
  readonly process: Process;
  readonly machine: Machine;
  readonly seccomp?: readonly Step[] | undefined;
  readonly listener?: Listener | undefined;
  /** Whether it sends its descriptors to the shim, which cannot take them. */
  readonly sends?: boolean | undefined;
  /** An fd of the root, from which the working directory is opened. */
  readonly root: Value;
  /** A procfs of our own, where the OOM score is to be set. */
  readonly proc?: Value | undefined;
  /** An fd of the FIFO on which to wait before executing. */
  readonly fifo?: Value | undefined;
  readonly startFifo?: string | undefined;
  /** It is a child of the command, and outlives it: see `adoption.ts`. */
  readonly adopted?: boolean | undefined;
  readonly preserveFds?: number | undefined;
  /** Whether the program is the child of a PID 1 of ours, and how large the walker's file is. */
  readonly init?: boolean | undefined;
  readonly walkerSize: number;
  /** What is done when all is ready but the program. */
  readonly before?: readonly Step[] | undefined;
}

/**
 * The last part of every birth, of a container's init and of what `exec` starts: input and output,
 * limits, rights, working directory, program. After the identity has changed nothing can be
 * prepared any more, so everything that needs rights comes before.
 */
export function settle(
  settling: Settling,
  two: Pair,
  meeting: Pick<Meeting, 'terminal' | 'pipes'>,
): { steps: Step[]; warnings: readonly string[] } {
  const { process, machine, root } = settling;
  const become = becoming(process, machine, settling.proc);
  const directory = workingDirectorySteps(root, process.cwd);
  const { seccomp = [], listener } = settling;
  const filter =
    listener === undefined
      ? seccomp
      : [...seccomp, ...introduceSteps(two, listener, settling.sends === true)];
  const restrained = process.noNewPrivileges === true;
  const steps = [
    ...stdioSteps(process.user.uid, meeting),
    ...become.limits,
    // Loading a filter needs CAP_SYS_ADMIN or no_new_privs; the later it is loaded the less it must allow.
    ...(restrained ? [noNewPrivileges()] : filter),
    ...directory.asRoot,
    ...become.identity,
    ...directory.asUser,
    // The shim has to hand the listener on, and may be gone after the last steps.
    ...(restrained && listener !== undefined ? filter : []),
    ...lastSteps(settling, two),
    ...(restrained && listener === undefined ? filter : []),
    ...(settling.before ?? []),
    ...(settling.init === true ? reaperSteps(process, settling.walkerSize) : executeSteps(process)),
  ];
  return { steps, warnings: become.warnings };
}

function stdioSteps(uid: number, { terminal, pipes }: Pick<Meeting, 'terminal' | 'pipes'>): Step[] {
  if (terminal !== undefined) return takeTerminal(terminal.slave, uid);
  const redirect = [pipes?.out, pipes?.err].flatMap((pipe, i) =>
    pipe === undefined
      ? []
      : [call('dup3', [value(pipe, 4, 'i32'), i + 1, 0], `${pipe.name} into the log`)],
  );
  return [call('setsid', [], 'a session of its own'), ...redirect];
}

function noNewPrivileges(): Step {
  const args = [flags('PR_SET_NO_NEW_PRIVS'), 1, 0, 0, 0];
  return call('prctl', args, 'no setuid program gives more rights');
}

function lastSteps(settling: Settling, two: Pair): Step[] {
  const { process, fifo, startFifo, preserveFds = 0 } = settling;
  const wait =
    startFifo === undefined || fifo === undefined
      ? []
      : [
          call('read', [fifo, pointer(buffer('word', 8)), 1], 'wait for `start`', {
            label: AWAIT_START,
            jump: { on: 'zero', to: INIT_FAILED },
          }),
        ];
  return [
    call('umask', [mode(process.user.umask ?? 0o022)], 'what files are made with'),
    ...placeFds(preserveFds),
    call(
      'close_range',
      [3 + preserveFds, 0xffff_ffff, flags('CLOSE_RANGE_CLOEXEC')],
      'the program inherits nothing but its input and output (CVE-2024-21626)',
    ),
    call(
      'prctl',
      [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0],
      'again: a change of user has undone it',
    ),
    isShimThere(two),
    ...(startFifo === undefined ? [] : lookupSteps(process)),
    ...(settling.adopted === true ? lettingGoSteps(two) : []),
    ...wait,
  ];
}
