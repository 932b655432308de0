import { ClocheError } from '../../error.ts';
import type { FlagName } from '../../linux/abi/flags.ts';
import { bridgeSteps, conversation, createVeth, requestSteps } from '../../linux/netlink/index.ts';
import { perform } from '../../linux/perform.ts';
import {
  block,
  call,
  flags,
  type Plan,
  plan,
  pointer,
  result,
  type Step,
  text,
  value,
} from '../../linux/plan/index.ts';

/**
 * What only trying can tell. Each probe is a plan that a walker of its own performs: what it opens
 * or makes lives in that process, or in a network namespace that the process alone has, and is gone
 * when it ends. Trying also loads the kernel's module where it lies on the disk, which a look at
 * `/proc/filesystems` would call missing.
 */
export interface Probes {
  /** `ok`, or why no plan can be performed at all: then nothing else was tried. */
  readonly walker: 'ok' | { readonly message: string; readonly hint: string | undefined };
  /** By the name of the plan: `ok`, or the errno of the step that failed. */
  readonly outcomes: ReadonlyMap<string, string>;
}

export async function probe(): Promise<Probes> {
  const walker = await outcome(plan('walker', [call('getpid', [], 'does it run at all?')]));
  if (typeof walker !== 'string') return { walker, outcomes: new Map() };
  const tried = probePlans().map(async (one) => {
    const found = await outcome(one);
    return [one.name, typeof found === 'string' ? found : found.message] as const;
  });
  return { walker: 'ok', outcomes: new Map(await Promise.all(tried)) };
}

type Outcome = 'ok' | string | { message: string; hint: string | undefined };

async function outcome(probe: Plan): Promise<Outcome> {
  try {
    await perform(probe, { stdio: ['ignore', 'ignore', 'ignore'] });
    return 'ok';
  } catch (error) {
    if (!(error instanceof ClocheError)) throw error;
    const { errno } = error.details;
    return typeof errno === 'string' ? errno : { message: error.message, hint: error.hint };
  }
}

function probePlans(): Plan[] {
  return [
    ...Object.entries(NAMESPACE_FLAGS).map(([name, flag]) =>
      plan(`${name} namespace`, [call('unshare', [flags(flag)], `may we have a new ${name}?`)]),
    ),
    ...FILESYSTEMS.map((name) => plan(name, [openFilesystem(name)])),
    plan('openat2', [
      call('openat2', [CWD, text('.'), pointer(OPEN_HOW), 24], 'paths that cannot leave a root'),
    ]),
    // Asks for no change, so it changes nothing; but the call must be there.
    plan('mount_setattr', [
      call('mount_setattr', [CWD, text('.'), 0, pointer(NO_CHANGE), 32], 'mounts by descriptor'),
    ]),
    plan('pidfd_getfd', takeOwnDescriptor()),
    plan('bpf', [
      call('bpf', [flags('BPF_PROG_LOAD'), pointer(NO_PROGRAM), 72], 'not a program', {
        // The kernel has looked at it, and found no instruction. ENOSYS and EPERM are other answers.
        tolerate: ['E2BIG', 'EINVAL'],
      }),
    ]),
    plan('bridge and NAT', [
      ownNetwork(),
      ...bridgeSteps({ name: 'probe', address: '10.88.0.1', prefix: 24 }, undefined),
    ]),
    plan('veth', cable()),
  ];
}

const NAMESPACE_FLAGS = {
  mnt: 'CLONE_NEWNS',
  pid: 'CLONE_NEWPID',
  net: 'CLONE_NEWNET',
  ipc: 'CLONE_NEWIPC',
  uts: 'CLONE_NEWUTS',
  user: 'CLONE_NEWUSER',
  cgroup: 'CLONE_NEWCGROUP',
} as const satisfies Record<string, FlagName>;

const FILESYSTEMS = ['overlay', 'tmpfs', 'proc', 'sysfs', 'devpts', 'mqueue'];

const CWD = flags('AT_FDCWD');
const OPEN_HOW = block('open_how', [flags('O_PATH', 'O_CLOEXEC'), 0, flags('RESOLVE_IN_ROOT')]);
const NO_CHANGE = block('mount_attr', [], { size: 32 });
const NO_PROGRAM = block('no program', [], { size: 72 });

function openFilesystem(name: string): Step {
  return call('fsopen', [text(name), flags('FSOPEN_CLOEXEC')], `does the kernel know ${name}?`);
}

function ownNetwork(): Step {
  return call('unshare', [flags('CLONE_NEWNET')], 'nobody else sees what is made here');
}

function takeOwnDescriptor(): Step[] {
  const pid = result('pid');
  const pidfd = result('pidfd');
  return [
    call('getpid', [], 'a process that we may look into', { save: pid }),
    call('pidfd_open', [pid, 0], 'a handle that no other process will ever have', { save: pidfd }),
    call('pidfd_getfd', [pidfd, pidfd, 0], 'a descriptor, out of another process'),
  ];
}

function cable(): Step[] {
  const netns = value(block('netns', [], { size: 8 }));
  const open = [CWD, text('/proc/self/ns/net'), flags('O_RDONLY', 'O_CLOEXEC')];
  return [
    ownNetwork(),
    call('openat', open, 'where the other end goes', { save: netns }),
    ...conversation('NETLINK_ROUTE', (socket) =>
      requestSteps(socket, {
        name: 'new cable',
        message: createVeth({ name: 'probe0', peer: { name: 'probe1', netns } }),
        why: 'two ends of a cable',
      }),
    ),
  ];
}
