import type { Probes } from './probe.ts';
import { judgeProbes } from './tried.ts';

/** What doctor has to say about one thing that cloche needs or would like. */
export interface Finding {
  readonly name: string;
  /** `degraded`: cloche works, with less. */
  readonly state: 'ok' | 'missing' | 'degraded';
  /** What was read, as it was read. */
  readonly found: string;
  /** Why it matters; said when it is not `ok`. */
  readonly why: string;
  /** The command that brings it, if there is one. */
  readonly remedy?: string | undefined;
  /** The Debian package that `--fix` installs. */
  readonly package?: string | undefined;
}

/** What was read from the machine; all judgement is made on this, so it can be tested without one. */
export interface Readings {
  readonly uid: number;
  /** `uname -r` */
  readonly kernel: string;
  /** Our own effective capabilities that are missing, by name. */
  readonly missingCapabilities: readonly string[];
  readonly probes: Probes;
  /** Mounts of others that lie on files in /proc: an outer container's masks. */
  readonly masks: readonly string[];
  readonly cgroupMode: 'v1' | 'hybrid' | 'v2' | 'none';
  /** Which hierarchy has it, by controller: `memory` → 1. */
  readonly controllers: Readonly<Record<string, 1 | 2>>;
  /** `actions_avail` of seccomp, empty without it. */
  readonly seccomp: string;
  readonly stateRoot: {
    readonly path: string;
    readonly writable: boolean;
    readonly noexec: boolean;
  };
  /** Bytes free where the state directory is. */
  readonly free: number;
  readonly programs: ReadonlyMap<string, boolean>;
  /** apparmor_restrict_unprivileged_userns, where there is such a switch. */
  readonly userNamespacesRestricted: boolean;
  /** iptables-legacy tables in the kernel: their DROP is invisible to nftables. */
  readonly legacyTables: string;
}

/** The judgement, in the order in which it is worth reading. */
export function judge(readings: Readings): Finding[] {
  return [
    root(readings),
    kernel(readings),
    ...judgeProbes(readings.probes),
    container(readings),
    ...cgroups(readings),
    seccomp(readings),
    capabilities(readings),
    state(readings),
    space(readings),
    ...PROGRAMS.map((one) => program(readings, one)),
    userNamespaces(readings),
    firewall(readings),
  ];
}

function root({ uid }: Readings): Finding {
  return {
    name: 'root',
    state: uid === 0 ? 'ok' : 'missing',
    found: `user ${uid}`,
    why: 'namespaces, mounts and cgroups are made by root',
    remedy: 'run the same command with sudo',
  };
}

/** 5.12 brought mount_setattr, the newest call that every container needs. */
function kernel({ kernel }: Readings): Finding {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return {
    name: 'kernel',
    state: major > 5 || (major === 5 && minor >= 12) ? 'ok' : 'missing',
    found: kernel,
    why: 'cloche uses the mount API of file descriptors and openat2: Linux 5.12 or newer',
    remedy: 'upgrade the kernel',
  };
}

function container({ masks }: Readings): Finding {
  return {
    name: 'outer container',
    state: masks.length === 0 ? 'ok' : 'degraded',
    found: masks.length === 0 ? 'none, /proc is whole' : `hides ${masks.join(', ')}`,
    why: 'a container with a user namespace may not mount a /proc that shows more than this one',
    remedy: 'start the outer one with --privileged, or --security-opt systempaths=unconfined',
  };
}

function cgroups({ cgroupMode, controllers }: Readings): Finding[] {
  const wanted = ['memory', 'cpu', 'pids', 'devices'].filter(
    (name) => !(name === 'devices' && cgroupMode === 'v2'),
  );
  const missing = wanted.filter((name) => controllers[name] === undefined);
  const shown = (version: 1 | 2) => {
    const names = Object.keys(controllers).filter((name) => controllers[name] === version);
    return names.length === 0 ? [] : [`v${version}: ${names.join(' ')}`];
  };
  return [
    {
      name: 'cgroups',
      state: cgroupMode === 'none' ? 'missing' : 'ok',
      found: cgroupMode === 'none' ? 'no cgroup filesystem is mounted' : cgroupMode,
      why: 'limits are files in that filesystem; libcgroup calls it "Cgroup is not mounted"',
      remedy: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup',
    },
    {
      name: 'controllers',
      state: missing.length === 0 ? 'ok' : 'degraded',
      found: [...shown(1), ...shown(2)].join('; ') || 'none',
      why: `no limits for: ${missing.join(', ')}`,
      remedy:
        'look at cgroup_disable= on the kernel command line; WSL: kernelCommandLine = cgroup_no_v1=all',
    },
  ];
}

function seccomp({ seccomp }: Readings): Finding {
  return {
    name: 'seccomp',
    state: seccomp.includes('errno') ? 'ok' : 'missing',
    found: seccomp || 'no /proc/sys/kernel/seccomp',
    why: 'containers may not make every system call',
  };
}

function capabilities({ missingCapabilities: missing }: Readings): Finding {
  const shown = missing.length > 5 ? [...missing.slice(0, 4), 'and more'] : missing;
  const limits = missing.includes('CAP_SYS_RESOURCE')
    ? ['hard limits cannot be raised, oom_score_adj cannot be lowered']
    : [];
  return {
    name: 'capabilities',
    state: missing.length === 0 ? 'ok' : 'degraded',
    found: missing.length === 0 ? 'all' : `without ${shown.join(', ')}`,
    why: ['no container can have more than we have', ...limits].join('; '),
  };
}

function state({ stateRoot: { path, writable, noexec } }: Readings): Finding {
  return {
    name: 'state directory',
    state: writable && !noexec ? 'ok' : 'missing',
    found: `${path}${writable ? '' : ', not writable'}${noexec ? ', mounted with noexec' : ''}`,
    why: 'images and containers are kept there, and the walker is executed from there',
    remedy: 'CLOCHE_ROOT names another directory',
  };
}

function space({ free }: Readings): Finding {
  return {
    name: 'disk',
    state: free > 2e9 ? 'ok' : free > 5e8 ? 'degraded' : 'missing',
    found: `${(free / 1e9).toFixed(1)} GB free`,
    why: 'a Debian takes 0.2 GB, the lessons take 1 GB',
  };
}

/** Programs of Debian that cloche calls, and what for. */
export const PROGRAMS: readonly { name: string; package: string; why: string; needed: boolean }[] =
  [
    {
      name: 'debootstrap',
      package: 'debootstrap',
      why: 'base images are made with it',
      needed: true,
    },
    {
      name: 'gpgv',
      package: 'gpgv',
      why: 'debootstrap verifies the packages with it',
      needed: true,
    },
    {
      name: '/usr/share/keyrings/debian-archive-keyring.gpg',
      package: 'debian-archive-keyring',
      why: 'debootstrap verifies the packages with it',
      needed: true,
    },
    {
      name: 'curl',
      package: 'curl',
      why: 'lessons 5 and 6 ask the application with it',
      needed: true,
    },
  ];

function program({ programs }: Readings, one: (typeof PROGRAMS)[number]): Finding {
  const there = programs.get(one.name) === true;
  return {
    name: one.package,
    state: there ? 'ok' : one.needed ? 'missing' : 'degraded',
    found: there ? 'installed' : `no ${one.name}`,
    why: one.why,
    remedy: `apt-get install ${one.package}`,
    package: one.package,
  };
}

function userNamespaces({ userNamespacesRestricted: restricted }: Readings): Finding {
  return {
    name: 'user namespaces',
    state: restricted ? 'degraded' : 'ok',
    found: restricted ? 'restricted by AppArmor' : 'not restricted',
    why: 'ordinary users get "uid_map: Operation not permitted" (Ubuntu 24.04); root does not',
    remedy: 'run as root, or give the program an AppArmor profile with `userns`; the sysctl last',
  };
}

function firewall({ legacyTables }: Readings): Finding {
  return {
    name: 'firewall',
    state: legacyTables === '' ? 'ok' : 'degraded',
    found: legacyTables === '' ? 'no iptables-legacy' : `iptables-legacy: ${legacyTables}`,
    why: 'a FORWARD policy of DROP in it is invisible to nftables: containers may not reach the network',
    remedy: 'iptables-legacy -I FORWARD -i cloche0 -j ACCEPT; or run with --network host',
  };
}
