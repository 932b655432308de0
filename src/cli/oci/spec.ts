import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import {
  DEFAULT_MOUNTS,
  DEFAULT_PATH,
  MASKED_PATHS,
  READONLY_PATHS,
} from '../../engine/start/defaults.ts';
import { ClocheError } from '../../error.ts';
import { CAPABILITIES } from '../../linux/capabilities.ts';
import { ACTIONS, COMPARISONS, FLAGS } from '../../linux/seccomp/index.ts';
import type { NamespaceType, Spec } from '../../runtime/index.ts';
import { print } from '../print.ts';

const RUNC_CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const NAMESPACES: readonly NamespaceType[] = ['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup'];

/** `cloche oci spec`: a config.json to begin with, like runc's. */
export function ociSpec(): Command {
  return new Command('spec')
    .description('Write a config.json to begin with')
    .option('-b, --bundle <directory>', 'where', '.')
    .option('--rootless', 'one for a user namespace, in which we are root', false)
    .action(({ bundle, rootless }: { bundle: string; rootless: boolean }) => {
      const path = join(bundle, 'config.json');
      if (existsSync(path))
        throw new ClocheError('SPEC_EXISTS', `file ${path} exists`, {
          class: 'conflict',
          hint: 'remove it first',
        });
      writeFileSync(
        path,
        `${JSON.stringify(rootless ? rootlessSpec() : defaultSpec(), null, 2)}\n`,
      );
    });
}

export function defaultSpec(): Spec {
  const own = RUNC_CAPABILITIES;
  const sys = {
    destination: '/sys',
    type: 'sysfs',
    source: 'sysfs',
    options: ['nosuid', 'noexec', 'nodev', 'ro'],
  };
  const cgroup = {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  };
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: [DEFAULT_PATH, 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: own, effective: own, permitted: own },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'cloche',
    mounts: [...DEFAULT_MOUNTS, sys, cgroup],
    linux: {
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      namespaces: NAMESPACES.map((type) => ({ type })),
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}

/**
 * As runc's: the network is the host's, since nobody could give it an interface; with that /sys is the host's
 * to bind; a group that is not mapped can own nothing; and there are no limits to set.
 */
function rootlessSpec(): Spec {
  const spec = defaultSpec();
  const id = (own: number | undefined) => [{ containerID: 0, hostID: own ?? 0, size: 1 }];
  const kept = NAMESPACES.filter((type) => type !== 'network');
  const sys = {
    ...{ destination: '/sys', type: 'none', source: '/sys' },
    options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
  return {
    ...spec,
    mounts: (spec.mounts ?? [])
      .filter(({ destination }) => destination !== '/sys/fs/cgroup')
      .map((mount) => (mount.destination === '/sys' ? sys : mount))
      .map((mount) => ({
        ...mount,
        options: mount.options?.filter((option) => !option.startsWith('gid=')),
      })),
    linux: {
      ...spec.linux,
      resources: undefined,
      namespaces: [...kept, 'user' as const].map((type) => ({ type })),
      uidMappings: id(process.geteuid?.()),
      gidMappings: id(process.getegid?.()),
    },
  };
}

/** `cloche oci features`: what the runtime can do, as the runtime-spec's `features.md` has it. */
export function ociFeatures(): Command {
  return new Command('features').description('Print what the runtime supports').action(() => {
    const features = {
      ociVersionMin: '1.0.0',
      ociVersionMax: '1.2.0',
      hooks: [
        ...['prestart', 'createRuntime', 'createContainer', 'startContainer'],
        ...['poststart', 'poststop'],
      ],
      linux: {
        namespaces: [...NAMESPACES, 'user', 'time'].sort(),
        capabilities: CAPABILITIES,
        cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
        seccomp: {
          enabled: true,
          actions: Object.keys(ACTIONS),
          operators: Object.keys(COMPARISONS),
          archs: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'],
          knownFlags: Object.keys(FLAGS),
          supportedFlags: Object.keys(FLAGS),
        },
        apparmor: { enabled: false },
        selinux: { enabled: false },
        mountExtensions: { idmap: { enabled: false } },
      },
    };
    print(`${JSON.stringify(features, null, 2)}\n`);
  });
}
