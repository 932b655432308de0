import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  ARCHITECTURE,
  configOf,
  findActive,
  type Image,
  type ImageConfig,
} from '../../image/index.ts';
import type { Hierarchies } from '../../linux/cgroup/index.ts';
import type { TerminalSize } from '../../linux/winsize.ts';
import type { Io, Machine, RootSource, Spec } from '../../runtime/index.ts';
import { type Engine, mountPointOf } from '../engine.ts';
import { makeExitRecord } from '../life/exit-record.ts';
import { type Container, directoryOf, updateContainer } from '../life/records.ts';
import { type Attachment, attach } from '../network/attach.ts';
import { isUnfiltered } from '../options.ts';
import { portsOf, portWarnings } from '../ports/index.ts';
import { volumeMount } from '../volumes/index.ts';
import { etcMounts, kindOf } from './files.ts';
import { joinedBy } from './namespaces.ts';
import { specOf } from './spec.ts';
import { identityOf } from './users.ts';

/**
 * Everything that a container's plan depends on, looked up and written down: from two equal facts the
 * same plan is made. Nothing of the kernel is touched yet.
 */
export interface Facts {
  readonly id: string;
  readonly spec: Spec;
  readonly root: RootSource;
  readonly attachment: Attachment;
  readonly io: Io;
  /** It dies with the command that starts it. */
  readonly bound: boolean;
  /** PID 1 is ours, and the program its child. */
  readonly init: boolean;
  /** It has no seccomp filter. */
  readonly unfiltered: boolean;
  readonly exitRecord: string;
  /** What lies at the sources of its bind mounts. */
  readonly kinds: Readonly<Record<string, 'directory' | 'file'>>;
  readonly hierarchies: Hierarchies;
  readonly machine: Machine;
  readonly walkerSize: number;
  /** What is said of it, whatever its plan says. */
  readonly warnings: readonly string[];
}

/**
 * Looks up what a container that was created depends on. Its files of `/etc` are written, and its
 * address and ports are taken.
 *
 * @param image its config, from whoever has read it
 *
 * @throws {ClocheError} `USER_NOT_FOUND`, `PORTS_EXHAUSTED`, `DEVICE_INVALID`, …
 */
export async function factsOf(
  engine: Engine,
  container: Container,
  terminalSize?: TerminalSize,
  image = configOf(engine.store, { id: container.imageId as Image['id'] }),
): Promise<Facts> {
  const { options, id } = container;
  const directory = directoryOf(engine, id);
  mkdirSync(directory, { recursive: true });
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container ${id} has lost its snapshot`);
  const { upper, lower, work } = active;
  const { config } = image;
  const ports = await portsOf(options, config);
  const attachment = await attach(engine, container, ports);
  if (ports.length + container.ports.length > 0)
    updateContainer(engine, id, { ports: JSON.stringify(ports) });
  const spec = specOf(options, {
    ...{ id, config, terminalSize },
    identity: identityOf([upper, ...lower], options.user ?? config.User, options.groupAdd),
    argv: container.command,
    joined: joinedBy(engine, options),
    ownCapabilities: engine.machine.capabilities,
    mounts: [
      ...etcMounts(directory, { id, options, address: attachment.address }),
      ...options.volumes.map((volume) => volumeMount(engine.store.root, volume)),
    ],
  });
  const { hierarchies, machine, walkerSize } = engine;
  return {
    ...{ id, spec, attachment, hierarchies, machine, walkerSize },
    root: {
      kind: 'overlay',
      upper,
      lower,
      work,
      at: mountPointOf(engine),
      volatile: options.remove,
    },
    io: options.detach
      ? { kind: 'log', path: join(directory, 'log'), typed: options.tty && options.interactive }
      : { kind: options.tty ? 'terminal' : 'inherit' },
    bound: !options.detach,
    init: options.init === true,
    unfiltered: isUnfiltered(options),
    exitRecord: makeExitRecord(engine, id),
    kinds: kindsOf(spec),
    warnings: [...platformWarnings(image), ...portWarnings(options)],
  };
}

function kindsOf({ mounts = [] }: Spec): Facts['kinds'] {
  const sources = mounts.flatMap(({ source }) => (source?.startsWith('/') ? [source] : []));
  return Object.fromEntries(sources.map((source) => [source, kindOf(source)]));
}

function platformWarnings({ os, architecture }: ImageConfig): string[] {
  if (os === 'linux' && architecture === ARCHITECTURE) return [];
  const [image, machine] = [`${os}/${architecture}`, `linux/${ARCHITECTURE}`];
  return [`the image's platform (${image}) does not match this machine's (${machine})`];
}
