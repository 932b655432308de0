import { type Cloning, cloning } from '../../linux/clone.ts';
import { CONTROL_FD } from '../../linux/launch.ts';
import type { Block, Label } from '../../linux/plan/index.ts';
import {
  block,
  buffer,
  bytes,
  call,
  flags,
  int32,
  label,
  PLAN_HEADER,
  pointer,
  result,
  type Step,
  text,
  texts,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import { WALKER_BASE } from '../../linux/walker/index.ts';

/**
 * The shim: the parent half of the walker. It prepares, clones init, waits for its end, writes the
 * exit record and clears away. It holds a few pages of memory, and no daemon is needed.
 */

/** Where the shim goes when anything fails, before or after init was made. */
export const SHIM_FAILED = 'shim-failed';
export const INIT_FAILED = 'init-failed';
/** Where a new process begins. */
export const INIT = 'init';

/** What the shim and init share: a socket pair to talk, the pid and its pidfd, the wait status. */
export interface Pair {
  /** Two fds: [0] the shim's end, [1] init's. */
  readonly sockets: Block;
  readonly pid: Value;
  readonly pidfd: Value;
  /** As wait4(2) has it. */
  readonly status: Block;
}

export function pair(): Pair {
  return {
    sockets: buffer('sync', 8),
    pid: result('init'),
    pidfd: value(block('pidfd', [int32(-1)]), 0, 'i32'),
    status: buffer('status', 8),
  };
}

/**
 * Goes on in a copy of the walker that lies in sealed memory. A hostile container can make its init
 * execute `/proc/self/exe`, and then open that file for writing (CVE-2019-5736): what it finds there
 * is this copy, which nobody can change, and not the file in the state directory.
 */
export function sealSteps(walkerSize: number, name: string): Step[] {
  const memory = result('memfd');
  return [
    call(
      'memfd_create',
      [text('cloche'), flags('MFD_CLOEXEC', 'MFD_ALLOW_SEALING')],
      'a file in memory',
      {
        save: memory,
      },
    ),
    call('write', [memory, WALKER_BASE, walkerSize], 'this very walker, copied into it'),
    call(
      'fcntl',
      [
        memory,
        flags('F_ADD_SEALS'),
        flags('F_SEAL_SEAL', 'F_SEAL_SHRINK', 'F_SEAL_GROW', 'F_SEAL_WRITE'),
      ],
      'nobody can change it any more',
    ),
    call('value', [{ kind: 'target', label: 'sealed' }], 'the copy begins below', {
      save: value(PLAN_HEADER, 8),
      pause: false,
    }),
    call(
      'execveat',
      [memory, text(''), texts([name]), texts([]), flags('AT_EMPTY_PATH')],
      'go on as the copy: what a container could reach of us is sealed',
    ),
    call(
      'prctl',
      [flags('PR_SET_DUMPABLE'), 0, 0, 0, 0],
      'nobody inside may trace us or read our memory',
      {
        label: 'sealed',
      },
    ),
    call('prctl', [flags('PR_SET_NAME'), text('cloche-shim'), 0, 0, 0], 'how `ps` shows us'),
  ];
}

/**
 * Binds the shim to the process that started it. That may have been killed before the first of these
 * calls, when the kernel has nobody to tell any more: then nobody is left to hear the second.
 */
export function bindSteps(why: string): Step[] {
  const byte = bytes(new TextEncoder().encode('b'), '"b"');
  return [
    call('prctl', [flags('PR_SET_PDEATHSIG'), flags('SIGKILL'), 0, 0, 0], why),
    call(
      'sendto',
      [CONTROL_FD, byte, 1, flags('MSG_NOSIGNAL'), 0, 0],
      'EPIPE if it had died before that: then we end here',
    ),
  ];
}

/** The socket pair and the clone; the child goes on with `beginSteps`, and then with `child`. */
export function cloneSteps(
  { sockets, pid, pidfd }: Pair,
  about: Pick<Cloning, 'flags' | 'bornIn'>,
  to: Label = INIT,
): { readonly parent: Step[]; readonly child: Step[] } {
  const why = 'the process that becomes the container';
  const { parent, child } = cloning({ ...about, pid, pidfd: pidfd.block }, to, why);
  const type = flags('SOCK_STREAM', 'SOCK_CLOEXEC');
  return {
    child,
    parent: [
      call(
        'socketpair',
        [flags('AF_UNIX'), type, 0, pointer(sockets)],
        'so that the two halves can wait for each other',
      ),
      ...parent,
      call('close', [value(sockets, 4, 'i32')], "that end is the child's", { pause: false }),
    ],
  };
}

/** Waits for the end of the child. @returns steps after which `status` holds its wait status. */
export function waitSteps({ pid, status }: Pair): Step[] {
  return [
    call('wait4', [pid, pointer(status), flags('__WALL'), 0], 'wait for the end of the container', {
      label: 'wait',
    }),
  ];
}

/** What the shim does when anything has failed: end the child if there is one. */
export function shimFailed({ pid, pidfd, status }: Pair): Step[] {
  const nobody = { name: 'nobody' };
  const careless = { tolerate: 'any', pause: false } as const;
  return [
    label(SHIM_FAILED, 'something failed: leave nothing behind'),
    call('value', [pid], 'is there a child already?', {
      ...careless,
      jump: { on: 'zero', to: nobody },
    }),
    call('pidfd_send_signal', [pidfd, flags('SIGKILL'), 0, 0], 'end the child', careless),
    call('wait4', [pid, pointer(status), flags('__WALL'), 0], 'and see it ended', careless),
    label(nobody, 'no process is left'),
  ];
}

/** Where the shim goes to clear away; it comes here after a failure and after a whole life. */
export const CLEAN_UP = 'clean-up';

/** Clears away and leaves, with 125 if anything has failed on the way, even here. */
export function cleanUpSteps(cleanUp: readonly Step[]): Step[] {
  return [
    label(CLEAN_UP, 'the container is no more'),
    ...cleanUp.map((step) => ({ onFail: 'leave', ...step })),
    call('value', [value(PLAN_HEADER, 16)], 'has anything failed?', {
      label: 'leave',
      tolerate: 'any',
      jump: { on: 'positive', to: 'leave in shame' },
    }),
    call('exit_group', [0], 'done'),
    call('exit_group', [125], 'the engine reads from our memory what failed', {
      label: 'leave in shame',
    }),
  ];
}

/** What init does when anything has failed, after it has told who listens. The shim notices. */
export function initFailed(tell: readonly Step[] = []): Step[] {
  const steps = [...tell, call('exit_group', [125], 'the shim clears away', { pause: false })];
  return steps.map((step, i) => (i === 0 ? { ...step, label: INIT_FAILED } : step));
}
