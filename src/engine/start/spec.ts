import { ClocheError } from '../../error.ts';
import type { ContainerConfig } from '../../image/index.ts';
import { DEFAULT_CAPABILITIES, namesOf, requireCapability } from '../../linux/capabilities.ts';
import type { Mount, Spec } from '../../runtime/index.ts';
import type { RunOptions } from '../options.ts';
import { DEFAULT_MOUNTS, DEFAULT_PATH, MASKED_PATHS, READONLY_PATHS } from './defaults.ts';
import { hostDevices, namedDevices } from './devices.ts';
import { type Joined, namespaceList } from './namespaces.ts';
import { resourcesOf } from './resources.ts';
import type { Identity } from './users.ts';

/** What a spec is made of, beside the options: all of it looked up beforehand. */
export interface SpecParts {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly identity: Identity;
  /** The files of `/etc` that the engine makes, and what the user mounts. */
  readonly mounts: readonly Mount[];
  readonly argv: readonly string[];
  readonly joined?: Joined | undefined;
  /** Our own capabilities, which `--privileged` gives away whole. */
  readonly ownCapabilities: bigint;
  readonly terminalSize?: { readonly height: number; readonly width: number } | undefined;
}

/** The OCI config of a container that is run with these options. */
export function specOf(options: RunOptions, parts: SpecParts): Spec {
  const { id, config, identity } = parts;
  const capabilities = capabilitiesOf(options, parts.ownCapabilities);
  return {
    ociVersion: '1.2.0',
    ...(options.utsMode === 'host' ? {} : { hostname: options.hostname ?? id.slice(0, 12) }),
    domainname: options.domainname,
    root: { path: 'rootfs', readonly: options.readOnly ?? false },
    process: {
      terminal: options.tty,
      consoleSize: parts.terminalSize,
      user: { uid: identity.uid, gid: identity.gid, additionalGids: identity.additionalGids },
      args: parts.argv,
      env: environmentOf(options, config, identity),
      cwd: options.workdir ?? (config.WorkingDir || '/'),
      capabilities: {
        bounding: capabilities,
        permitted: capabilities,
        // Docker: an ordinary user's process has none but can gain them by a setuid program.
        effective: identity.uid === 0 ? capabilities : [],
      },
      rlimits: options.ulimits,
      noNewPrivileges: options.noNewPrivileges ?? false,
      oomScoreAdj: options.oomScoreAdj,
    },
    mounts: [
      ...defaultMounts(options),
      ...sysMounts(options),
      ...tmpfsMounts(options),
      ...parts.mounts,
    ],
    linux: {
      namespaces: namespaceList(options, parts.joined),
      devices: [...(options.privileged ? hostDevices() : []), ...namedDevices(options)],
      sysctl: options.sysctls,
      maskedPaths: options.privileged ? [] : MASKED_PATHS,
      readonlyPaths: options.privileged ? [] : READONLY_PATHS,
      resources: resourcesOf(options),
    },
  };
}

/** The program and its arguments: entrypoint and command, the user's before the image's. */
export function argvOf(options: RunOptions, config: ContainerConfig): readonly string[] {
  const entrypoint = options.entrypoint ?? config.Entrypoint ?? [];
  // A new entrypoint does away with the image's arguments to the old one.
  const inherited = options.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const argv = [...entrypoint, ...(options.command.length > 0 ? options.command : inherited)];
  if (argv.length === 0)
    throw new ClocheError('NO_COMMAND', 'no command specified', {
      class: 'invalid-argument',
      hint: `the image '${options.image}' has no command of its own: add one to the line`,
    });
  return argv;
}

/** Later ones win: defaults, the image's, the user's. */
function environmentOf(options: RunOptions, config: ContainerConfig, identity: Identity): string[] {
  const env = new Map<string, string>();
  const own = options.env.flatMap((entry) => {
    if (entry.includes('=')) return [entry];
    const value = process.env[entry];
    return value === undefined ? [] : [`${entry}=${value}`];
  });
  const defaults = [DEFAULT_PATH, `HOME=${identity.home}`, ...(options.tty ? ['TERM=xterm'] : [])];
  for (const entry of [...defaults, ...(config.Env ?? []), ...own])
    env.set(entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1));
  return [...env].map(([key, value]) => `${key}=${value}`);
}

function capabilitiesOf(options: RunOptions, own: bigint): readonly string[] {
  if (options.privileged) return namesOf(own);
  const name = (text: string) => (text.startsWith('CAP_') ? text : `CAP_${text.toUpperCase()}`);
  const all = options.capAdd.some((text) => text.toUpperCase() === 'ALL');
  const dropAll = options.capDrop.some((text) => text.toUpperCase() === 'ALL');
  const start = all ? namesOf(own) : dropAll ? [] : DEFAULT_CAPABILITIES;
  const added = options.capAdd.filter((text) => text.toUpperCase() !== 'ALL').map(name);
  for (const one of added) requireCapability(one);
  const dropped = new Set(options.capDrop.map(name));
  return [...new Set<string>([...start, ...added])].filter((one) => !dropped.has(one));
}

/** Docker's, with a `/dev/shm` as large as is asked for, or the host's, or none. */
function defaultMounts({ shmSize, ipcMode }: RunOptions): readonly Mount[] {
  return DEFAULT_MOUNTS.flatMap((mount) => {
    const { destination, options = [] } = mount;
    if (destination !== '/dev/shm') return [mount];
    if (ipcMode === 'host')
      return [{ destination, type: 'bind', source: destination, options: ['rbind', ...SAFE] }];
    if (ipcMode === 'none') return [];
    if (shmSize === undefined) return [mount];
    return [{ ...mount, options: [...options.slice(0, -1), `size=${shmSize}`] }];
  });
}

const SAFE = ['nosuid', 'noexec', 'nodev'];

/**
 * With the host's network there is no network namespace of our own, and so no sysfs of our own. In it lie
 * the container's own cgroups: programs read there how much memory and CPU they have.
 */
function sysMounts(options: RunOptions): Mount[] {
  const access = options.privileged ? [] : ['ro'];
  const safe = ['nosuid', 'noexec', 'nodev', ...access];
  // Below the host's own lie others, such as debugfs: what holds for it holds for them.
  const allSafe = safe.map((option) => `r${option}`);
  return [
    options.network === 'host'
      ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...allSafe] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: safe },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: safe },
  ];
}

/** `--tmpfs directory[:options]`, with docker's own options before those that are asked for. */
function tmpfsMounts({ tmpfs = [] }: RunOptions): Mount[] {
  return tmpfs.map((text) => {
    const [destination = '', options = ''] = text.split(/:(.*)/s, 2);
    if (!destination.startsWith('/'))
      throw new ClocheError('VOLUME_INVALID', `invalid mount path: '${destination}'`, {
        class: 'invalid-argument',
        hint: 'it must be absolute: --tmpfs /run:size=64m',
      });
    const asked = options.split(',').filter((word) => word !== '');
    const safe = ['nosuid', 'nodev', 'noexec'];
    return { destination, type: 'tmpfs', source: 'tmpfs', options: [...safe, ...asked] };
  });
}
