import type { FlagName } from './abi/flags.ts';
import {
  type Block,
  block,
  call,
  flags,
  type Label,
  pointer,
  type Step,
  text,
  type Value,
  value,
} from './plan/index.ts';

/** A child that is to be made. */
export interface Cloning {
  /**
   * CLONE_NEWPID and the like; that it has a pidfd and ends with SIGCHLD is a matter of course. With
   * CLONE_PARENT it is a child of our parent, and only that can wait for it.
   */
  readonly flags: readonly FlagName[];
  readonly pid: Value;
  /** Whose first four bytes are its pidfd. */
  readonly pidfd: Block;
  /** The directory of cgroup v2 in which it begins its life. */
  readonly bornIn?: string | undefined;
}

/**
 * Both sides of a clone3(2). They share the plan's memory and nothing else; the child goes on at a label,
 * where `child` has to stand.
 *
 * Being born in a cgroup is free. Moving into one later is not: the kernel waits until no process of the
 * machine forks or ends meanwhile, an RCU grace period, here 6 ms and under load 20. Source: clone3(2),
 * `CLONE_INTO_CGROUP`, Linux 5.7; `cgroup_threadgroup_rwsem` in kernel/cgroup/cgroup.c.
 */
export function cloning(
  { flags: wanted, pid, pidfd, bornIn }: Cloning,
  label: Label,
  why: string,
): { readonly parent: Step[]; readonly child: Step[] } {
  const into: FlagName[] = bornIn === undefined ? [] : ['CLONE_INTO_CGROUP'];
  const names: FlagName[] = [...wanted, 'CLONE_PIDFD', ...into];
  const home = bornIn === undefined ? '' : ', cgroup=home';
  // A sibling ends with the signal that we end with, and another may not be named: EINVAL.
  const sibling = wanted.includes('CLONE_PARENT');
  const signal = sibling ? '' : ', exit_signal=SIGCHLD';
  const args = block(
    'home',
    [flags(...names), pointer(pidfd), 0, 0, sibling ? 0 : flags('SIGCHLD'), 0, 0, 0, 0, 0, 0],
    { shown: `{flags=${names.join('|')}, pidfd=&${pidfd.name}${signal}${home}}` },
  );
  const clone = call('clone3', [pointer(args), args.size], why, {
    save: pid,
    jump: { on: 'zero', to: label },
  });
  if (bornIn === undefined) return { parent: [clone], child: [] };
  const fd = value(args, CGROUP, 'i32');
  const close = (why: string) => call('close', [fd], why, { pause: false });
  const open = flags('O_RDONLY', 'O_DIRECTORY', 'O_CLOEXEC');
  return {
    parent: [
      call('openat', [flags('AT_FDCWD'), text(bornIn), open], 'the cgroup that it is born in', {
        save: fd,
      }),
      clone,
      close('it is in there'),
    ],
    // It leads out of the container, so nothing of the container may find it (CVE-2024-21626).
    child: [close('its cgroup, from outside, is nothing for what comes after us')],
  };
}

/** Offset of `cgroup` in `struct clone_args`. */
const CGROUP = 80;
