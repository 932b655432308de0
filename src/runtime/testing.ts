import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_CAPABILITIES, lastCapability, ownCapabilities } from '../linux/capabilities.ts';
import { ownHardLimits } from '../linux/rlimits.ts';
import { installedWalker } from '../linux/walker/index.ts';
import type { Birth } from './birth/birth.ts';
import type { RootSource } from './birth/rootfs.ts';
import type { Linux, NamespaceType, Process, Spec } from './spec.ts';

/** Containers for tests: everything that `containerPlan` wants, with what a test does not care about. */

/** A machine that is always the same, so that a plan is too. */
export const SOME_MACHINE = { capabilities: 0x1ff_ffff_ffffn, lastCapability: 40, hardLimits: [] };

/** What docker's config has, without seccomp and resources. */
export function dockerSpec(process: Partial<Process>, linux: Partial<Linux> = {}): Spec {
  const granted = DEFAULT_CAPABILITIES;
  return {
    ociVersion: '1.2.0',
    hostname: 'glass',
    process: {
      user: { uid: 0, gid: 0 },
      args: ['true'],
      env: ['PATH=/usr/bin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: granted, effective: granted, permitted: granted },
      ...process,
    },
    mounts: MOUNTS,
    linux: {
      namespaces: ALL_NAMESPACES.map((type) => ({ type })),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/acpi', '/proc/scsi', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
      ...linux,
    },
  };
}

/** All but the user namespace, which changes what is allowed. */
export const ALL_NAMESPACES: readonly NamespaceType[] = [
  'pid',
  'network',
  'mount',
  'ipc',
  'uts',
  'cgroup',
];

const MOUNTS: Spec['mounts'] = [
  mount('/proc', 'proc', 'proc', 'nosuid,noexec,nodev'),
  mount('/dev', 'tmpfs', 'tmpfs', 'nosuid,strictatime,mode=755,size=65536k'),
  mount('/dev/pts', 'devpts', 'devpts', 'nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5'),
  mount('/dev/shm', 'tmpfs', 'shm', 'nosuid,noexec,nodev,mode=1777,size=65536k'),
  mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid,noexec,nodev'),
  mount('/sys', 'sysfs', 'sysfs', 'nosuid,noexec,nodev,ro'),
];

export function mount(destination: string, type: string, source: string, options: string) {
  return { destination, type, source, options: options.split(',') };
}

/** A birth on this machine; the root is the machine's own, with changes going into memory. */
export function birthOf(
  id: string,
  root: RootSource,
  spec: Spec,
  more: Partial<Birth> = {},
): Birth {
  return {
    id,
    spec,
    root,
    walkerSize: installedWalker().size,
    machine: {
      capabilities: ownCapabilities(),
      lastCapability: lastCapability(),
      hardLimits: ownHardLimits(),
    },
    sourceKind: () => 'directory',
    io: { kind: 'inherit' },
    ...more,
  };
}

/** Directories of a test's own, in memory, gone at the end; with an overlay over the machine's `/`. */
export function scratchRoot(name: string): {
  readonly directory: string;
  readonly root: RootSource;
  readonly remove: () => void;
} {
  const directory = mkdtempSync(`/dev/shm/cloche-${name}-`);
  const [upper, work, at] = ['upper', 'work', 'merged'].map((part) => {
    mkdirSync(join(directory, part));
    return join(directory, part);
  }) as [string, string, string];
  return {
    directory,
    root: { kind: 'overlay', lower: ['/'], upper, work, at },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
