import { closeSync, writeSync } from 'node:fs';
import type { ClocheError } from '../../error.ts';
import {
  configOf,
  discard,
  type Image,
  type ImageConfig,
  prepare,
  type ResolveOptions,
  resolveImage,
} from '../../image/index.ts';
import { type Launched, launchEncoded } from '../../linux/launch.ts';
import { type TerminalSize, winsizeBytes } from '../../linux/winsize.ts';
import type { ContainerPlan } from '../../runtime/index.ts';
import type { Engine } from '../engine.ts';
import { type Container, insertContainer, releaseContainer } from '../life/records.ts';
import { removeContainer } from '../life/remove.ts';
import type { RunOptions } from '../options.ts';
import { chooseVolumes, makeVolumes } from '../volumes/index.ts';
import { factsOf } from './facts.ts';
import { type Ready, readyPlan } from './moulds.ts';
import { argvOf } from './spec.ts';
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
  readonly ready: Ready;
}

type Stdio = 'inherit' | 'ignore' | number;

export interface StartOptions extends ResolveOptions {
  readonly terminalSize?: TerminalSize | undefined;
  /** Wait before each step; whoever asks must answer on `pauses`. */
  readonly step?: boolean | undefined;
  /** It was there before, and is claimed: what cannot be planned now stays as it is. */
  readonly again?: boolean | undefined;
  /** Told what could not be cleared away after its end; the next command tries again. */
  readonly onLeftover?: ((error: ClocheError) => void) | undefined;
  /** What the container has as 0, 1 and 2; ours without it. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio];
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
  const read = configOf(engine.store, image);
  const { config } = read;
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
  configs.set(container, read);
  return container;
}

/** What was read of the image when a container was created, for its start that mostly follows. */
const configs = new WeakMap<Container, ImageConfig>();

/** Its name is the beginning of the container's, so that in a plan there is one name alone. */
function snapshotFor(engine: Engine, image: Image, id: string): string {
  return prepare(engine.store, image.chainId, { keeper: id, id: id.slice(0, 16) }).id;
}

/** The plan of a container that was created, and what it warns of; it is not started. */
export async function planContainer(
  engine: Engine,
  container: Container,
  about: StartOptions = {},
): Promise<ContainerPlan> {
  const { planOf } = await import('./planned.ts');
  return planOf(await factsOf(engine, container, about.terminalSize));
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
  const ready = await makeReady(engine, container, about);
  const stdio = about.stdio ?? (await stdioOf(engine, container));
  const launched = launchEncoded(ready.encoded, { stdio, control: true, pause: about.step });
  if (typeof stdio[0] === 'number' && about.stdio === undefined) closeSync(stdio[0]);
  const { warnings } = ready;
  const pid = watchForStart(engine, container, ready, launched);
  const exited = watchForEnd(engine, container, { ready, launched, pid, ...about });
  return {
    ...{ container, ready, launched, warnings, pid, exited },
    pauses: launched.pauses,
    resize: (size) => writeSync(launched.control, winsizeBytes(size)),
  };
}

/** In the background its output is read by the shim, and its input is what others will write. */
async function stdioOf(
  engine: Engine,
  { id, options: { detach, interactive, tty } }: Container,
): Promise<NonNullable<StartOptions['stdio']>> {
  if (!detach) return [tty || interactive ? 'inherit' : 'ignore', 'inherit', 'inherit'];
  if (!interactive) return ['ignore', 'ignore', 'ignore'];
  const { openInput } = await import('../life/input.ts');
  return [await openInput(engine, id), 'ignore', 'ignore'];
}

/** What cannot even be planned was never created. */
async function makeReady(
  engine: Engine,
  container: Container,
  { terminalSize, again }: StartOptions,
): Promise<Ready> {
  try {
    const facts = await factsOf(engine, container, terminalSize, configs.get(container));
    const ready = await readyPlan(engine, facts);
    return { ...ready, warnings: [...facts.warnings, ...ready.warnings] };
  } catch (error) {
    if (again === true) releaseContainer(engine, container);
    else await abandonContainer(engine, container);
    throw error;
  }
}

/** Takes back a container that was created and will not be started. */
export async function abandonContainer(engine: Engine, container: Container): Promise<void> {
  await discard(engine.store, { id: container.snapshot });
  await removeContainer(engine, container.id, { force: true, volumes: true });
}
