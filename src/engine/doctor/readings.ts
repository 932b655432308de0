import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { CAPABILITIES, lastCapability, ownCapabilities } from '../../linux/capabilities.ts';
import { CONTROLLERS, detectCgroups } from '../../linux/cgroup/index.ts';
import { readMounts } from '../../linux/proc/index.ts';
import { stateRoot } from '../../state.ts';
import { PROGRAMS, type Readings } from './findings.ts';
import { probe } from './probe.ts';

/** Reads from the machine what `judge` judges. Changes nothing but that the state directory and the walker are made. */
export async function readMachine(): Promise<Readings> {
  const cgroups = detectCgroups();
  return {
    uid: process.getuid?.() ?? -1,
    kernel: release(),
    missingCapabilities: missingCapabilities(),
    probes: await probe(),
    masks: (readMounts() ?? [])
      .map(({ mountPoint }) => mountPoint)
      .filter((path) => /^\/proc\/(?!sys\/fs\/binfmt_misc)/.test(path)),
    cgroupMode: cgroups.mode,
    controllers: Object.fromEntries(
      CONTROLLERS.flatMap((name) => {
        const hierarchy = cgroups.of[name];
        return hierarchy === undefined ? [] : [[name, hierarchy.version]];
      }),
    ),
    seccomp: text('/proc/sys/kernel/seccomp/actions_avail').trim(),
    stateRoot: readStateRoot(),
    free: freeBytes(),
    programs: new Map(PROGRAMS.map(({ name }) => [name, isThere(name)])),
    userNamespacesRestricted:
      text('/proc/sys/kernel/apparmor_restrict_unprivileged_userns').trim() === '1',
    legacyTables: text('/proc/net/ip_tables_names').trim().replaceAll('\n', ' '),
  };
}

function missingCapabilities(): string[] {
  const own = ownCapabilities();
  const known = CAPABILITIES.slice(0, lastCapability() + 1);
  return known.filter((_, i) => ((own >> BigInt(i)) & 1n) === 0n);
}

function readStateRoot(): Readings['stateRoot'] {
  const path = stateRoot();
  const mount = (readMounts() ?? [])
    .filter(
      ({ mountPoint }) => path === mountPoint || path.startsWith(mountPoint.replace(/\/?$/, '/')),
    )
    .sort((one, other) => other.mountPoint.length - one.mountPoint.length)[0];
  return { path, writable: isWritable(path), noexec: mount?.options.includes('noexec') ?? false };
}

function isWritable(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 });
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytes(): number {
  const path = existsSync(stateRoot()) ? stateRoot() : '/';
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function isThere(name: string): boolean {
  return name.startsWith('/') ? existsSync(name) : Bun.which(name) !== null;
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
