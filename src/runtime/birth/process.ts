import { posix } from 'node:path';
import {
  type CapabilitySets,
  dropBoundingSteps,
  onlyAvailable,
  setCapabilitySteps,
} from '../../linux/capabilities.ts';
import {
  block,
  call,
  flags,
  int32,
  pointer,
  result,
  type Step,
  type StepAbout,
  text,
  texts,
  type Value,
} from '../../linux/plan/index.ts';
import { type HardLimits, rlimitSteps } from '../../linux/rlimits.ts';
import { ioPrioritySteps, schedulerSteps } from '../../linux/scheduling.ts';
import type { Process, User } from '../spec.ts';
import { writeAt } from './namespaces.ts';
import { openInRoot, openOrMake, relative } from './paths.ts';

/** What the machine allows, read beforehand, so that planning itself asks nobody. */
export interface Machine {
  /** Our own effective capabilities, a mask. */
  readonly capabilities: bigint;
  /** The highest capability the kernel knows. */
  readonly lastCapability: number;
  /** Our own hard limits; only with CAP_SYS_RESOURCE may a container have more. */
  readonly hardLimits: HardLimits;
}

/** What turns a process with all rights into the one that the config describes; in parts, by order. */
export interface Becoming {
  /** Limits and the OOM score, while we still may. */
  readonly limits: readonly Step[];
  /** User, groups, capabilities: nothing after this has root's rights. */
  readonly identity: readonly Step[];
  readonly warnings: readonly string[];
}

const CAP_SYS_RESOURCE = 24n;

/** How the process becomes who it shall be. Source: credentials(7), capabilities(7). */
export function becoming(process: Process, machine: Machine, proc: Value | undefined): Becoming {
  const mayRaise = ((machine.capabilities >> CAP_SYS_RESOURCE) & 1n) === 1n;
  const limits = rlimitSteps(process.rlimits ?? [], mayRaise ? undefined : machine.hardLimits);
  const capabilities = onlyAvailable(process.capabilities ?? {}, machine.capabilities);
  const score = process.oomScoreAdj;
  return {
    limits: [
      ...(score === undefined || proc === undefined ? [] : oomSteps(proc, score)),
      ...limits.steps,
      ...(process.scheduler === undefined ? [] : schedulerSteps(process.scheduler)),
      ...(process.ioPriority === undefined ? [] : ioPrioritySteps(process.ioPriority)),
    ],
    identity: [
      ...dropBoundingSteps(capabilities.sets.bounding ?? [], machine.lastCapability),
      ...userSteps(process.user),
      ...capabilitySteps(capabilities.sets),
    ],
    warnings: [...limits.warnings, ...capabilities.warnings],
  };
}

/**
 * The same from outside, by an fd of its directory in /proc: in a new user namespace its files there belong
 * to a root whom nobody inside is, since we let nobody inside trace us.
 */
export function scoreSteps(proc: Value, score: number | undefined): Step[] {
  return score === undefined
    ? []
    : writeAt(proc, 'oom_score_adj', String(score), `when memory ends: ${score}`);
}

/** Lowering the score below our own needs CAP_SYS_RESOURCE; where that is missing it stays. */
function oomSteps(proc: Value, score: number): Step[] {
  const fd = result('oom');
  const line = String(score);
  const why = `when memory ends: ${line}`;
  return [
    openInRoot(proc, 'self/oom_score_adj', ['O_WRONLY'], why, { save: fd }),
    call('write', [fd, text(line), line.length], why, { tolerate: ['EACCES', 'EPERM'] }),
  ];
}

/** The groups first: once the user has changed nobody may change them any more. */
function userSteps(user: User): Step[] {
  const groups = user.additionalGids ?? [];
  const list = block('groups', [int32(...groups)], { size: 8, shown: `[${groups.join(', ')}]` });
  return [
    call(
      'prctl',
      [flags('PR_SET_KEEPCAPS'), 1, 0, 0, 0],
      'keep capabilities while the user changes',
    ),
    call('setgroups', [groups.length, pointer(list)], 'supplementary groups', {
      // Denied inside a user namespace whose setgroups file says so; then there is nothing to drop.
      tolerate: groups.length === 0 ? ['EPERM'] : undefined,
    }),
    call('setresgid', [user.gid, user.gid, user.gid], `group ${user.gid}`),
    call('setresuid', [user.uid, user.uid, user.uid], `user ${user.uid}`),
    call('prctl', [flags('PR_SET_KEEPCAPS'), 0, 0, 0, 0], 'from here on exec decides'),
  ];
}

/** An ordinary user's exec would drop everything but the ambient ones, and that is what is wanted. */
function capabilitySteps(sets: CapabilitySets): Step[] {
  return [
    call(
      'prctl',
      [flags('PR_CAP_AMBIENT'), flags('PR_CAP_AMBIENT_CLEAR_ALL'), 0, 0, 0],
      'no capability is handed on unasked',
    ),
    ...setCapabilitySteps(sets),
  ];
}

/**
 * Makes the working directory where it is missing, root's and 0755, as runc does; what keeps us from it
 * is said when we go there.
 */
export function makeWorkingDirectorySteps(root: Value, cwd: string): Step[] {
  if (relative(cwd) === '.') return [];
  const steps = openOrMake(root, cwd, 'directory', result('cwd'));
  return steps.map((step) => ({ ...step, tolerate: 'any' as const }));
}

/**
 * Goes to the working directory, by an fd that was opened inside the root and without magic links, so
 * that it can only be a directory of the container (CVE-2024-21626). With root's rights first, for the
 * user may stand where it may not go; then, where root may not enter, as on somebody's NFS, with the user's.
 */
export function workingDirectorySteps(
  root: Value,
  cwd: string,
): { readonly asRoot: Step[]; readonly asUser: Step[] } {
  const [directory, went] = [result('cwd'), result('went')];
  const there = { name: 'in the working directory' };
  const go = (open: StepAbout, change: StepAbout) => [
    openInRoot(root, cwd, ['O_PATH', 'O_DIRECTORY'], `the working directory ${cwd}`, {
      save: directory,
      ...open,
    }),
    call('fchdir', [directory], `go to ${cwd}`, change),
  ];
  return {
    asRoot: go({ tolerate: ['EACCES'] }, { save: went, tolerate: ['EACCES', 'EBADF'] }),
    asUser: [
      call('value', [went], `are we in ${cwd}?`, {
        tolerate: 'any',
        pause: false,
        jump: { on: 'zero', to: there },
      }),
      ...go({}, {}),
      call('value', [0], `we are in ${cwd}`, { label: there, pause: false }),
    ],
  };
}

/**
 * Executes the program. A name without a slash is tried in each directory of `PATH`, as execvp(3)
 * does: the last try's errno is the answer.
 */
export function executeSteps(process: Process): Step[] {
  const argv = process.args ?? [];
  const env = process.env ?? [];
  const tries = programFiles(process);
  return tries.map((file, i) =>
    call('execve', [text(file), texts(argv), texts(env)], `become ${argv.join(' ')}`, {
      tolerate: i < tries.length - 1 ? ['ENOENT', 'ENOTDIR', 'EACCES'] : undefined,
    }),
  );
}

/** Where its program may lie: one path, or one for each directory of its PATH. */
export function programFiles({ args: [name = ''] = [], env = [] }: Process): string[] {
  if (name.includes('/')) return [name];
  const path = env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH;
  return path.split(':').map((dir) => posix.join(dir || '.', name));
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
