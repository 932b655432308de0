import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ClocheError } from '../error.ts';
import type { ResolveOptions } from '../image/index.ts';
import {
  ARCHITECTURE,
  configOf,
  discard,
  findActive,
  type Image,
  type ImageConfig,
  prepare,
  resolveImage,
} from '../image/index.ts';
import { cgroupSteps } from '../linux/cgroup/index.ts';
import { type Launched, launch } from '../linux/launch.ts';
import { type ContainerPlan, containerPlan, type Io, winsizeBytes } from '../runtime/index.ts';
import { CGROUP_PARENT, type Engine } from './engine.ts';
import { etcMounts, kindOf } from './files.ts';
import { attach } from './network.ts';
import type { RunOptions } from './options.ts';
import { portsOf, portWarnings } from './ports/index.ts';
import {
  type Container,
  directoryOf,
  insertContainer,
  releaseContainer,
  updateContainer,
} from './records.ts';
import { removeContainer } from './remove.ts';
import { seccompOf } from './seccomp.ts';
import { argvOf, specOf } from './spec.ts';
import { identityOf } from './users.ts';
import { chooseVolumes, makeVolumes, volumeMount } from './volumes/index.ts';
import { watchForEnd, watchForStart } from './watch.ts';

/** A container that was started by us and is attached to our input and output. */
export interface Started {
  readonly container: Container;
  readonly warnings: readonly string[];
  /** Its init's pid in our namespace. */
  readonly pid: Promise<number>;
  /** Its exit code; rejects when it could not be started. */
  readonly exited: Promise<number>;
  /** Tells its terminal how large ours is. */
  resize(size: TerminalSize): void;
  /** The fd of the socket on which a stepped plan waits; -1 where it is not stepped. */
  readonly pauses: number;
  readonly launched: Launched;
  readonly birth: ContainerPlan;
}

export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

export interface StartOptions extends ResolveOptions {
  readonly terminalSize?: TerminalSize | undefined;
  /** Wait before each step; whoever asks must answer on `pauses`. */
  readonly step?: boolean | undefined;
  /** It was there before, and is claimed: what cannot be planned now stays as it is. */
  readonly again?: boolean | undefined;
  /** Told what could not be cleared away after its end; the next command tries again. */
  readonly onLeftover?: ((error: ClocheError) => void) | undefined;
  /** What the container has as 0, 1 and 2; ours without it. */
  readonly stdio?: readonly ['inherit' | 'ignore' | number, 'inherit' | number, 'inherit' | number];
}

/**
 * Creates a container and its record; it is not started yet.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, `NAME_IN_USE`, `NO_COMMAND`, `VOLUME_INVALID`, …
 */
export async function createContainer(
  engine: Engine,
  options: RunOptions,
  about: ResolveOptions = {},
): Promise<Container> {
  const image = await resolveImage(engine.store, options.image, about);
  const { config } = configOf(engine.store, image);
  const argv = argvOf(options, config);
  const whole = { ...options, volumes: chooseVolumes(options.volumes, config) };
  const snapshot = (id: string) => snapshotFor(engine, image, id);
  const container = insertContainer(engine, image, whole, argv, snapshot);
  try {
    await makeVolumes(engine, image, whole.volumes);
  } catch (error) {
    await abandonContainer(engine, container);
    throw error;
  }
  return container;
}

function snapshotFor(engine: Engine, image: Image, id: string): string {
  return prepare(engine.store, image.chainId, { keeper: id }).id;
}

/**
 * The plan of a container that was created: looked up is what has to be looked up, nothing of the
 * kernel is touched yet.
 */
export async function planContainer(
  engine: Engine,
  container: Container,
  about: StartOptions = {},
): Promise<ContainerPlan> {
  const { options, id } = container;
  const directory = directoryOf(engine, id);
  const root = join(directory, 'rootfs');
  mkdirSync(root, { recursive: true });
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container ${id} has lost its snapshot`);
  const whole = configOf(engine.store, { id: container.imageId as Image['id'] });
  const { config } = whole;
  const ports = await portsOf(options, config);
  const network = await attach(engine, container, ports);
  updateContainer(engine, id, { ports: JSON.stringify(ports) });
  const spec = specOf(options, {
    id,
    config,
    identity: identityOf(
      [active.upper, ...active.lower],
      options.user ?? config.User,
      options.groupAdd,
    ),
    argv: container.command,
    ownCapabilities: engine.machine.capabilities,
    terminalSize: about.terminalSize,
    mounts: [
      ...etcMounts(directory, { id, options, address: network.address }),
      ...options.volumes.map((volume) => volumeMount(engine.store.root, volume)),
    ],
  });
  const io: Io = options.detach
    ? { kind: 'log', path: join(directory, 'log') }
    : { kind: options.tty ? 'terminal' : 'inherit' };
  const birth = containerPlan({
    id: id.slice(0, 12),
    spec,
    root: { kind: 'overlay', ...active, at: root, volatile: options.remove },
    machine: engine.machine,
    sourceKind: kindOf,
    walkerSize: engine.walkerSize,
    cgroup: cgroupSteps(engine.hierarchies, `${CGROUP_PARENT}/${id}`, spec.linux?.resources ?? {}),
    network: network.steps,
    seccomp: seccompOf(options, spec.process?.capabilities?.bounding ?? []),
    io,
    bound: !options.detach,
    exitRecord: join(directory, 'exit'),
  });
  const warnings = [...platformWarnings(whole), ...portWarnings(options), ...birth.warnings];
  return { ...birth, warnings };
}

function platformWarnings({ os, architecture }: ImageConfig): string[] {
  if (os === 'linux' && architecture === ARCHITECTURE) return [];
  const [image, machine] = [`${os}/${architecture}`, `linux/${ARCHITECTURE}`];
  return [`the image's platform (${image}) does not match this machine's (${machine})`];
}

/**
 * Starts a container. Resolves when its plan is under way; `pid` and `exited` tell the rest.
 *
 * @throws {ClocheError} as `planContainer`.
 */
export async function startContainer(
  engine: Engine,
  container: Container,
  about: StartOptions = {},
): Promise<Started> {
  const { options } = container;
  rmSync(join(directoryOf(engine, container.id), 'exit'), { force: true });
  // What cannot even be planned was never created.
  const birth = await planContainer(engine, container, about).catch(async (error: unknown) => {
    if (about.again === true) releaseContainer(engine, container);
    else await abandonContainer(engine, container);
    throw error;
  });
  const input = options.interactive && !options.detach ? 'inherit' : 'ignore';
  const output = options.detach ? 'ignore' : 'inherit';
  const launched = launch(birth.plan, {
    stdio: about.stdio ?? [options.tty && !options.detach ? 'inherit' : input, output, output],
    control: true,
    pause: about.step,
  });
  const pid = watchForStart(engine, container, birth, launched);
  return {
    container,
    birth,
    launched,
    warnings: birth.warnings,
    pauses: launched.pauses,
    pid,
    exited: watchForEnd(engine, container, { birth, launched, pid, ...about }),
    resize: (size) => writeSync(launched.control, new Uint8Array(winsizeBytes(size))),
  };
}

/** Takes back a container that was created and will not be started. */
export async function abandonContainer(engine: Engine, container: Container): Promise<void> {
  await discard(engine.store, { id: container.snapshot });
  await removeContainer(engine, container.id, { force: true, volumes: true });
}
