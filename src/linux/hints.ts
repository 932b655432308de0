import type { ErrnoName } from './abi/errno.ts';
import type { Step } from './plan/index.ts';

/**
 * What an errno means *for this call*. The kernel has some 130 words for everything that can go
 * wrong, so many of them mislead; these are the ones that learners and operators meet.
 */
export function hintFor(call: Step['call'], errno: ErrnoName | string): string | undefined {
  return HINTS[`${call} ${errno}`] ?? HINTS[`* ${errno}`];
}

const HINTS: Record<string, string> = {
  'execve ENOENT':
    'the program is not there, or it is there and its interpreter (the ELF loader, or what #! names) is missing',
  'execve EACCES': 'the file is not executable, or it lies on a mount with noexec',
  'execve ENOEXEC':
    'the file is no program for this machine: a script without #!, or another architecture',
  'clone ENOSPC': 'too many nested namespaces; see /proc/sys/user/max_*_namespaces',
  'clone EPERM':
    'making namespaces needs root (CAP_SYS_ADMIN), or user namespaces are restricted here',
  'clone EAGAIN': 'a limit on processes was reached: pids.max of a cgroup, or RLIMIT_NPROC',
  'clone EINVAL': 'the kernel was built without one of the asked namespaces',
  'fsopen ENODEV': 'this kernel has no such filesystem; perhaps its module is not loaded',
  'fsconfig EPERM': 'this filesystem may not be mounted from inside of this user namespace',
  'fsconfig EINVAL': 'the filesystem refuses an option; `dmesg` says which',
  'fsmount EPERM':
    'a proc or sysfs that is masked outside may not be mounted anew inside; cloche may be running in a container itself: start that one with --privileged',
  'open_tree ENOENT': 'the source of a bind mount does not exist',
  'openat2 ENOSYS': 'openat2 needs Linux 5.6',
  'openat2 EXDEV': 'the path leads out of the root filesystem',
  'openat2 ELOOP': 'too many symbolic links, or one where none is allowed',
  'move_mount EINVAL':
    'the mount point lies on a shared mount, or source and target do not fit together',
  'pivot_root EINVAL':
    'the new root is no mount point, or the old root is a ramfs, which cannot be left',
  'pivot_root EBUSY': 'new root and old root are on the same mount',
  'mknodat EPERM':
    'device nodes cannot be made inside a user namespace, nor where the device list of the cgroup forbids it',
  'setns EINVAL': 'the namespace is of another kind, or this process may not join it in its state',
  'mount_setattr EINVAL':
    'this filesystem does not support the attribute (idmapped mounts, for instance)',
  'prctl EINVAL': 'this kernel does not know the option',
  'capset EPERM': 'a capability was asked for that this process does not have itself',
  'prlimit64 EPERM': 'raising a hard limit needs CAP_SYS_RESOURCE',
  'socket EPROTONOSUPPORT':
    'this kernel was built without that part of netlink; without nftables there is no NAT, but --network host works',
  'ioctl ENODEV': 'there is no network interface of that name in this network namespace',
  'mkdirat EROFS': 'the hierarchy is mounted read-only',
  '* EPERM': 'this needs a capability that the process does not have; is it run as root?',
  '* ENOSYS': 'this kernel is too old for the call',
  '* ENOSPC': 'no space is left: a disk is full, or a kernel limit is reached',
  '* EMFILE': 'too many open files; see `ulimit -n`',
  '* ENOMEM': 'out of memory, or a memory limit was reached',
  '* ECANCELED': 'whoever was stepping through the plan went away',
};
