import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_ARCH } from '../src/linux/abi/arch.ts';
import { cgroupSteps, type Hierarchies } from '../src/linux/cgroup/index.ts';
import {
  containerNetworkSteps,
  loopbackSteps,
  type PublishedPort,
  publication,
} from '../src/linux/netlink/index.ts';
import { block } from '../src/linux/plan/index.ts';
import { defaultPolicy, seccompSteps } from '../src/linux/seccomp/index.ts';
import type { Birth } from '../src/runtime/birth/birth.ts';
import { stateText } from '../src/runtime/birth/hooks.ts';
import type { RootSource } from '../src/runtime/birth/rootfs.ts';
import { type ContainerPlan, containerPlan, type Spec } from '../src/runtime/index.ts';
import type { Linux, Process } from '../src/runtime/spec.ts';
import { ALL_NAMESPACES, birthOf, dockerSpec, mount } from '../src/runtime/testing.ts';

/** Containers that have everything there is, to be broken in every place. */
export interface FullContainer {
  readonly id: string;
  readonly root: RootSource;
  /** The root of the one that has users of its own. */
  readonly rootfs: () => string;
  /** Where its log and its exit record go. */
  readonly files: string;
  readonly hierarchies: Hierarchies;
  readonly group: string;
  /** The bridge whose map the ports come into, and the cable's end on the host. */
  readonly bridge: string;
  readonly hostEnd: string;
  readonly ports: readonly PublishedPort[];
  /** Where an agent listens for what the filter of one of them asks. */
  readonly agent: string;
}

/**
 * What excludes each other is in one of two: a terminal and a view of cgroups, or users of its own, hooks, a log and
 * a filter that asks.
 */
export type Shape = 'with a terminal' | 'with users and hooks';

const PROCESS: Partial<Process> = {
  args: ['true'],
  cwd: '/a/new/one',
  oomScoreAdj: 100,
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 128 }],
  ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 7 },
  scheduler: { policy: 'SCHED_BATCH', nice: 1 },
};

const LINUX: Partial<Linux> = {
  namespaces: [...ALL_NAMESPACES, 'time' as const].map((type) => ({ type })),
  timeOffsets: { monotonic: { secs: 1000 } },
  sysctl: { 'net.ipv4.ip_forward': '1' },
  // A file, a directory, and what is not there.
  maskedPaths: ['/proc/kcore', '/var', '/not/there'],
  readonlyPaths: ['/proc/sys', '/not/there'],
  personality: { domain: 'LINUX' },
};

const USERS: Partial<Linux> = {
  namespaces: [...(LINUX.namespaces ?? []), { type: 'user' }],
  uidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 65_536 }],
};

export function fullContainer(about: FullContainer, shape: Shape, args?: string[]): ContainerPlan {
  const { id, files, hierarchies, group, hostEnd, bridge, ports } = about;
  const terminal = shape === 'with a terminal';
  const { publish, withdraw, apart } = publication(bridge, ports);
  const addresses = [{ address: '10.99.0.2', prefix: 24 }];
  const cable = containerNetworkSteps({ hostEnd, addresses });
  mkdirSync(files, { recursive: true });
  const spec = specOf(terminal, args);
  return containerPlan(
    birthOf(id, terminal ? about.root : { kind: 'directory', path: about.rootfs() }, spec, {
      bound: true,
      // Of one that shall run something else the first process is that.
      init: terminal && args === undefined,
      io: terminal ? { kind: 'terminal' } : { kind: 'log', path: join(files, 'log') },
      cgroup: cgroupSteps(hierarchies, group, { pids: { limit: 50 } }),
      ...guardOf(terminal ? undefined : about.agent),
      // No bridge: the cable is made and its end on the host stays unplugged. In a user namespace nobody uses one.
      network: {
        shim: (netns) => [...(terminal ? cable.shim(netns) : []), ...publish],
        init: terminal ? cable.init : loopbackSteps(),
        release: withdraw,
        apart,
      },
      exitRecord: join(files, 'exit'),
      ...(terminal ? {} : { hooks: true, innerHooks: HOOKS }),
    }),
  );
}

/** What nobody calls is asked about: the agent has nothing to answer. */
function guardOf(listenerPath: string | undefined): Pick<Birth, 'seccomp' | 'listener'> {
  const policy = defaultPolicy([]);
  if (listenerPath === undefined) return { seccomp: seccompSteps(policy, HOST_ARCH).steps };
  const asks = { names: ['swapon'], action: 'SCMP_ACT_NOTIFY' as const };
  const asking = { ...policy, listenerPath, syscalls: [...(policy.syscalls ?? []), asks] };
  const { steps, listener } = seccompSteps(asking, HOST_ARCH);
  if (listener === undefined) throw new Error('that policy asks');
  const told = {
    text: block('told', [new TextEncoder().encode('{}')]),
    length: block('size', [2]),
  };
  return { seccomp: steps, listener: { fd: listener, path: listenerPath, told } };
}

function specOf(terminal: boolean, args: string[] | undefined): Spec {
  const process = { ...PROCESS, terminal, ...(args === undefined ? {} : { args }) };
  const spec = dockerSpec(process, { ...LINUX, ...(terminal ? {} : USERS) });
  const own = mount('/mnt', 'bind', '/usr', 'rbind,rprivate,rnosuid,ro');
  const cgroup = mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid,ro');
  return {
    ...spec,
    mounts: [...(spec.mounts ?? []), own, ...(terminal ? [cgroup] : [])],
    ...(terminal ? { root: { path: '', readonly: true } } : {}),
  };
}

const HOOKS = {
  createContainer: [{ path: '/bin/true', timeout: 5 }],
  startContainer: [{ path: '/bin/true' }],
  creating: stateText('state: creating', 64),
  created: stateText('state: created', 64),
};
