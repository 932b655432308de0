import { SYSCALLS } from '../abi/syscalls.ts';
import type { Policy, Rule } from './policy.ts';

/**
 * What a container may not call unless it has one of these capabilities; with none listed nobody may.
 * In meaning docker's default profile: everything else that we know by name is allowed, and what we
 * do not know, a newer kernel's calls, is refused.
 *
 * The reasons are the groups: what reaches the whole machine, its clock, its modules, its disks; what
 * looks into other processes; what makes namespaces and mounts; keyrings, which no namespace divides;
 * and calls that only attackers have a use for.
 */
const WITHHELD: readonly (readonly [names: string, capabilities: readonly string[]])[] = [
  ['acct', ['CAP_SYS_PACCT']],
  ['add_key keyctl request_key', []],
  ['bpf', ['CAP_SYS_ADMIN', 'CAP_BPF']],
  ['chroot', ['CAP_SYS_CHROOT']],
  ['clock_settime clock_settime64 settimeofday stime', ['CAP_SYS_TIME']],
  ['create_module get_kernel_syms query_module', []],
  ['delete_module finit_module init_module', ['CAP_SYS_MODULE']],
  [
    'fanotify_init lookup_dcookie quotactl quotactl_fd setdomainname sethostname',
    ['CAP_SYS_ADMIN'],
  ],
  ['fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree', ['CAP_SYS_ADMIN']],
  ['open_tree_attr pivot_root setns umount umount2 unshare', ['CAP_SYS_ADMIN']],
  ['listmount statmount', ['CAP_SYS_ADMIN']],
  ['get_mempolicy mbind set_mempolicy set_mempolicy_home_node', ['CAP_SYS_NICE']],
  ['io_uring_enter io_uring_register io_uring_setup', []],
  ['ioperm iopl', ['CAP_SYS_RAWIO']],
  ['kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev', ['CAP_SYS_PTRACE']],
  ['kexec_file_load kexec_load', ['CAP_SYS_BOOT']],
  ['reboot', ['CAP_SYS_BOOT']],
  ['lsm_get_self_attr lsm_list_modules lsm_set_self_attr', []],
  ['migrate_pages move_pages', []],
  ['open_by_handle_at', ['CAP_DAC_READ_SEARCH']],
  ['perf_event_open', ['CAP_SYS_ADMIN', 'CAP_PERFMON']],
  ['swapoff swapon', []],
  ['syslog', ['CAP_SYSLOG', 'CAP_SYS_ADMIN']],
  ['_sysctl nfsservctl sysfs uselib userfaultfd ustat vserver', []],
  ['vhangup', ['CAP_SYS_TTY_CONFIG']],
];

/** All CLONE_NEW* but the time namespace, which clone(2) cannot make. */
const NEW_NAMESPACES = 0x7e020000;
const AF_VSOCK = 40;
const ENOSYS = 38;
/** PER_LINUX, with UNAME26 and ADDR_NO_RANDOMIZE, and the question which one it is. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** The policy for a container with these capabilities in its bounding set. */
export function defaultPolicy(capabilities: readonly string[]): Policy {
  const has = new Set(capabilities);
  const admin = has.has('CAP_SYS_ADMIN');
  const special = new Set(['personality', 'socket', ...(admin ? [] : ['clone', 'clone3'])]);
  const refused = new Set(
    WITHHELD.filter(([, givers]) => !givers.some((name) => has.has(name))).flatMap(([names]) =>
      names.split(' '),
    ),
  );
  const names = Object.keys(SYSCALLS).filter((name) => !refused.has(name) && !special.has(name));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names, action: 'SCMP_ACT_ALLOW' },
      ...PERSONALITIES.map((value): Rule => allowIf('personality', 'SCMP_CMP_EQ', value)),
      allowIf('socket', 'SCMP_CMP_NE', AF_VSOCK),
      ...(admin ? [] : cloneRules()),
    ],
  };
}

/** clone3 has its flags in memory, where no filter can look: libraries that get ENOSYS use clone. */
function cloneRules(): Rule[] {
  return [
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
    },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

function allowIf(name: string, op: 'SCMP_CMP_EQ' | 'SCMP_CMP_NE', value: number): Rule {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value, op }] };
}
