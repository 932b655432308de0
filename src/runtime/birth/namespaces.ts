import type { FlagName } from '../../linux/abi/flags.ts';
import {
  type Arg,
  bytes,
  call,
  flags,
  result,
  type Step,
  text,
  type Value,
} from '../../linux/plan/index.ts';
import type { IdMapping, Linux, NamespaceType, TimeOffsets } from '../spec.ts';

/** Which namespaces a container makes anew and which it joins, by their order of joining. */
export interface Namespaces {
  readonly fresh: ReadonlySet<NamespaceType>;
  readonly joined: readonly { readonly type: NamespaceType; readonly path: string }[];
}

export function namespacesOf(linux: Linux | undefined): Namespaces {
  const wanted = linux?.namespaces ?? [];
  const fresh = new Set(wanted.filter(({ path }) => path === undefined).map(({ type }) => type));
  const joined = ORDER.flatMap((type) =>
    wanted.flatMap(({ type: other, path }) =>
      other === type && path !== undefined ? [{ type, path }] : [],
    ),
  );
  return { fresh, joined };
}

/** Mount last, since paths change. */
const ORDER: readonly NamespaceType[] = [
  'user',
  'pid',
  'ipc',
  'uts',
  'network',
  'cgroup',
  'time',
  'mount',
];

export const NAMESPACE_FLAG: Record<NamespaceType, FlagName> = {
  pid: 'CLONE_NEWPID',
  network: 'CLONE_NEWNET',
  mount: 'CLONE_NEWNS',
  ipc: 'CLONE_NEWIPC',
  uts: 'CLONE_NEWUTS',
  user: 'CLONE_NEWUSER',
  cgroup: 'CLONE_NEWCGROUP',
  time: 'CLONE_NEWTIME',
};

/**
 * The flags of the `clone` that makes init. Not the cgroup namespace: its root is the cgroup that one
 * is in when it is made, and init has yet to move. Not the time namespace, which only children of
 * an `unshare` enter.
 */
export function cloneFlags({ fresh }: Namespaces): FlagName[] {
  const made = ORDER.filter((type) => fresh.has(type) && type !== 'cgroup' && type !== 'time');
  return made.map((type) => NAMESPACE_FLAG[type]);
}

/**
 * What the shim does before the clone. It joins what only its children enter; and where there is a user
 * namespace, all that init could not join any more: the right to that ends with the user namespace we are in.
 * A user namespace that is joined comes last for the same reason, and before the clone, so that what is made
 * anew belongs to it. Only the mount tree is left to init, since the paths here are the host's.
 *
 * @param rebind steps after a change of the user namespace, which undoes the death signal
 * @param offsets of the clocks of a new time namespace
 */
export function beforeClone(
  namespaces: Namespaces,
  rebind: readonly Step[],
  offsets?: TimeOffsets,
): Step[] {
  const { fresh, joined } = namespaces;
  const user = joined.filter(({ type }) => type === 'user');
  const time = fresh.has('time')
    ? [
        call(
          'unshare',
          [flags('CLONE_NEWTIME')],
          'clocks of its own, for the children of this call',
        ),
        ...(offsets === undefined ? [] : offsetSteps(offsets)),
      ]
    : [];
  return [
    ...joined.filter((one) => isEarly(one.type, namespaces) && one.type !== 'user').flatMap(join),
    ...(user.length === 0 ? [] : [...user.flatMap(join), ...rebind]),
    ...time,
  ];
}

/** As long as nobody is in the new time namespace it may be said how its clocks go. Source: time_namespaces(7). */
function offsetSteps(offsets: TimeOffsets): Step[] {
  const lines = Object.entries(offsets).map(
    ([clock, { secs = 0, nanosecs = 0 } = {}]) => `${clock} ${secs} ${nanosecs}\n`,
  );
  if (lines.length === 0) return [];
  const why = 'what its clocks are ahead of ours';
  return writeAt(flags('AT_FDCWD'), '/proc/self/timens_offsets', lines.join(''), why);
}

/** What init does first: enter the other namespaces that its config names by path. */
export function joinSteps(namespaces: Namespaces): Step[] {
  return namespaces.joined.filter(({ type }) => !isEarly(type, namespaces)).flatMap(join);
}

/** Whether the shim joins it. */
function isEarly(type: NamespaceType, namespaces: Namespaces): boolean {
  return type === 'pid' || (type !== 'mount' && hasUser(namespaces));
}

/** Whether the container is in a user namespace that is not ours. */
export function hasUser({ fresh, joined }: Namespaces): boolean {
  return fresh.has('user') || joined.some(({ type }) => type === 'user');
}

/** Whether the shim is in a user namespace that was joined, and without the rights of the one it came from. */
export function hasLeft({ joined }: Namespaces): boolean {
  return joined.some(({ type }) => type === 'user');
}

function join({ type, path }: { type: NamespaceType; path: string }): Step[] {
  const fd = result(`ns:${type}`);
  return [
    call(
      'openat',
      [flags('AT_FDCWD'), text(path), flags('O_RDONLY', 'O_CLOEXEC'), 0],
      `the ${type} namespace to join`,
      { save: fd },
    ),
    call('setns', [fd, flags(NAMESPACE_FLAG[type])], `enter it`),
  ];
}

/**
 * Writes the id mappings of init's new user namespace. The shim must do it: whoever is inside may
 * map only itself. `proc` is an fd of init's directory in `/proc`, opened by init itself, so that
 * no pid has to be spelled. Source: user_namespaces(7).
 */
export function mappingSteps(
  proc: Value,
  uids: readonly IdMapping[],
  gids: readonly IdMapping[],
): Step[] {
  return [['uid_map', uids] as const, ['gid_map', gids] as const].flatMap(([file, mappings]) => {
    if (mappings.length === 0) return [];
    const lines = mappings
      .map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`)
      .join('');
    return writeAt(proc, file, lines, `who is who inside and outside: ${file}`);
  });
}

/** Opens a file below a directory fd, writes text in one go, closes. Links are not followed. */
export function writeAt(directory: Arg, file: string, content: string, why: string): Step[] {
  const fd = result(file);
  const data = new TextEncoder().encode(content);
  return [
    call('openat', [directory, text(file), flags('O_WRONLY', 'O_NOFOLLOW', 'O_CLOEXEC'), 0], why, {
      save: fd,
    }),
    call('write', [fd, bytes(data, JSON.stringify(content)), data.length], why),
    call('close', [fd], 'done with it'),
  ];
}
