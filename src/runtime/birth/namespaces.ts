import type { FlagName } from '../../linux/abi/flags.ts';
import { bytes, call, flags, result, type Step, text, type Value } from '../../linux/plan/index.ts';
import type { IdMapping, Linux, NamespaceType } from '../spec.ts';

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

/** The user namespace first, since it gives the right to join the others; mount last, since paths change. */
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

/** What the shim does before the clone: namespaces that only its children enter. */
export function beforeClone({ fresh, joined }: Namespaces): Step[] {
  const pid = joined.filter(({ type }) => type === 'pid').flatMap(join);
  const time = fresh.has('time')
    ? [
        call(
          'unshare',
          [flags('CLONE_NEWTIME')],
          'clocks of its own, for the children of this call',
        ),
      ]
    : [];
  return [...pid, ...time];
}

/** What init does first: enter the namespaces that its config names by path. */
export function joinSteps({ joined }: Namespaces): Step[] {
  return joined.filter(({ type }) => type !== 'pid').flatMap(join);
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
export function writeAt(directory: Value, file: string, content: string, why: string): Step[] {
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
