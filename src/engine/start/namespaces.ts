import { ClocheError } from '../../error.ts';
import type { NamespaceType, Spec } from '../../runtime/index.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { getContainer } from '../life/records.ts';
import type { RunOptions } from '../options.ts';

/** Namespaces of others by their paths, which a container joins. */
export type Joined = Readonly<Partial<Record<NamespaceType, string>>>;

type Listed = NonNullable<NonNullable<Spec['linux']>['namespaces']>;

/** Which namespaces a container is in: new ones, but those of the host and of others that it was told. Pure. */
export function namespaceList(options: RunOptions, joined: Joined = {}): Listed {
  const { network, pidMode, ipcMode, utsMode, cgroupnsMode } = options;
  const shared: NamespaceType[] = [
    ...(network === 'host' ? ['network' as const] : []),
    ...(pidMode === 'host' ? ['pid' as const] : []),
    ...(ipcMode === 'host' ? ['ipc' as const] : []),
    ...(utsMode === 'host' ? ['uts' as const] : []),
    ...(cgroupnsMode === 'host' ? ['cgroup' as const] : []),
  ];
  const all: NamespaceType[] = ['pid', 'mount', 'ipc', 'uts', 'cgroup', 'network'];
  return all
    .filter((type) => !shared.includes(type))
    .map((type) => ({ type, ...(joined[type] === undefined ? {} : { path: joined[type] }) }));
}

/**
 * The namespaces that `--pid container:NAME` names, as of now.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`
 */
export function joinedBy(engine: Engine, { pidMode }: RunOptions): Joined {
  const [, name] = /^container:(.*)$/s.exec(pidMode ?? '') ?? [];
  if (name === undefined) return {};
  const other = getContainer(engine, name);
  if (isAlive(other)) return { pid: `/proc/${other.pid}/ns/pid` };
  throw new ClocheError(
    'CONTAINER_NOT_RUNNING',
    `cannot join the PID namespace of a non running container: ${other.name}`,
    { class: 'conflict', hint: `cloche start ${other.name}` },
  );
}
