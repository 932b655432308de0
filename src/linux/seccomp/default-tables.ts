import type { SyscallName } from '../abi/syscalls.ts';

/**
 * The default policy's tables: who may call what. A call that is not named here is refused, so a call
 * that a new kernel brings is nobody's until somebody has looked at it and entered it.
 */

/** What every container may call, by what it is about. */
export const EVERYBODY: readonly SyscallName[] = words(
  // Files by name
  `access chdir chmod chown creat faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown
   fchownat getcwd lchown link linkat mkdir mkdirat mknod mknodat name_to_handle_at open openat
   openat2 readlink readlinkat rename renameat renameat2 rmdir symlink symlinkat truncate umask
   unlink unlinkat`,
  `futimesat utime utimensat utimensat_time64 utimes`,
  `fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
   llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`,
  `fstat fstatfs listmount lstat newfstatat stat statfs statmount statx`,
  // Open files
  `close close_range copy_file_range dup dup2 dup3 fadvise64 fallocate fcntl fdatasync flock fsync
   ftruncate getdents getdents64 ioctl lseek pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev
   pwritev2 read readahead readv sendfile splice sync sync_file_range syncfs tee vmsplice write
   writev`,
  // Waiting for many
  `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
   epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
   inotify_rm_watch poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4`,
  `io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit`,
  // Sockets; `socket` itself has rules of its own
  `accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg
   recvmmsg_time64 recvmsg sendmmsg sendmsg sendto setsockopt shutdown socketpair`,
  // Memory
  `brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2
   mlockall mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
   pkey_mprotect remap_file_pages`,
  // Processes and their limits; `clone` has rules of its own
  `arch_prctl execve execveat exit exit_group fork getpgid getpgrp getpid getppid getrlimit
   getrusage getsid gettid kill modify_ldt pidfd_open pidfd_send_signal prctl prlimit64
   process_mrelease process_vm_readv process_vm_writev ptrace setpgid setrlimit setsid
   set_tid_address tgkill times tkill vfork wait4 waitid`,
  `get_thread_area rseq set_thread_area uretprobe`,
  // Who they are and what they may; these take rights away, or need one to add any
  `capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid
   setgid setgroups setregid setresgid setresuid setreuid setuid`,
  `landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`,
  // Signals
  `pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
   rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack`,
  // Scheduling
  `getcpu getpriority ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min
   sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
   sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
   sched_yield setpriority`,
  // Locks and messages
  `futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list
   set_robust_list`,
  `mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
   mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
   semtimedop_time64 shmat shmctl shmdt shmget`,
  // Time; adjusting the clock needs CAP_SYS_TIME, asking does not
  `adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
   clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer
   time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
   timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
   timerfd_settime64`,
  // The machine
  `getrandom sysinfo uname`,
);

/**
 * What i386 alone has, for the same: numbers, users and files that have outgrown its first calls. Not among them
 * is `socketcall`: behind it no filter sees the address family. Libraries that get ENOSYS call `socket` itself.
 */
export const I386_ONLY: readonly string[] = [
  '_llseek fadvise64_64 fcntl64 fstat64 fstatat64 fstatfs64 ftruncate64 lstat64 mmap2 sendfile64 stat64',
  'statfs64 truncate64 chown32 fchown32 lchown32 _newselect ipc',
  'getegid32 geteuid32 getgid32 getgroups32 getresgid32 getresuid32 getuid32 setfsgid32 setfsuid32 setgid32',
  'setgroups32 setregid32 setresgid32 setresuid32 setreuid32 setuid32 sigprocmask sigreturn ugetrlimit waitpid',
].flatMap((text) => text.split(' '));

/**
 * What a capability gives beside. Nobody gets: keyrings, which no namespace divides; io_uring, which
 * no filter sees through; kexec, swap, NUMA migration; and what only attackers have a use for.
 */
export const GIVEN: Readonly<Partial<Record<string, readonly SyscallName[]>>> = {
  CAP_BPF: words('bpf'),
  CAP_DAC_READ_SEARCH: words('open_by_handle_at'),
  CAP_PERFMON: words('perf_event_open'),
  // pivot_root is our addition: whoever may mount can do the same with a mount and a chroot
  CAP_SYS_ADMIN: words(
    `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
     lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree open_tree_attr
     perf_event_open pivot_root quotactl quotactl_fd setdomainname sethostname setns syslog umount2
     unshare`,
  ),
  CAP_SYS_BOOT: words('reboot'),
  CAP_SYS_CHROOT: words('chroot'),
  CAP_SYS_MODULE: words('delete_module finit_module init_module'),
  CAP_SYS_NICE: words('get_mempolicy mbind set_mempolicy set_mempolicy_home_node'),
  CAP_SYS_PACCT: words('acct'),
  CAP_SYS_PTRACE: words('kcmp pidfd_getfd process_madvise'),
  CAP_SYS_RAWIO: words('ioperm iopl'),
  CAP_SYS_TIME: words('clock_settime clock_settime64 settimeofday'),
  CAP_SYS_TTY_CONFIG: words('vhangup'),
  CAP_SYSLOG: words('syslog'),
};

/**
 * The address families of `socket`: AF_UNSPEC to AF_X25, then those in use. Not among them are
 * AF_ALG (38), a way into the kernel's cryptography that needs no right; AF_VSOCK (40), which reaches
 * the hypervisor past every network namespace; and protocols that nobody speaks any more.
 */
export const SOCKET_FAMILIES: readonly number[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  ...[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39],
  ...[41, 42, 43, 44, 45],
];

/** The names in texts that are laid out for reading; a test holds them against the table of calls. */
function words(...texts: readonly string[]): SyscallName[] {
  return texts.flatMap((text) => text.split(/\s+/)) as SyscallName[];
}
