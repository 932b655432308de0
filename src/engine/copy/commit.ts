import { configOfChanges } from '../../build/index.ts';
import {
  type ContainerConfig,
  configOf,
  findActive,
  type Image,
  type Reference,
  whileWorking,
  withTag,
  writeImage,
} from '../../image/index.ts';
import { archive, readChangeset } from '../../image/layer/archive.ts';
import { unpackArchive } from '../../image/layer/unpack.ts';
import { batched } from '../../image/layer/write.ts';
import type { Engine } from '../engine.ts';
import { pauseContainer, unpauseContainer } from '../life/pause.ts';
import { type Container, getContainer } from '../life/records.ts';
import { stateOf } from '../life/state.ts';
import { exposedPorts } from '../ports/index.ts';
import { lookAt } from './live.ts';

export interface CommitOptions {
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  /** Dockerfile instructions that change how the image's containers are started. */
  readonly changes: readonly string[];
  /** Whether what runs is held still meanwhile. */
  readonly pause: boolean;
  readonly reference?: Reference | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * docker's commit: an image of what a container has changed of its own, one layer on top of it, and of
 * how it was started.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `DOCKERFILE_INVALID`, `CHANGE_INVALID`; `FILE_CHANGED`:
 *   the container writes meanwhile
 */
export async function commitContainer(
  engine: Engine,
  name: string,
  options: CommitOptions,
): Promise<Image> {
  const container = getContainer(engine, name);
  const { config, ...base } = configOf(engine.store, { id: container.imageId as Image['id'] });
  const started = configOfChanges(options.changes, startedWith(container, config));
  return await heldStill(engine, container, options.pause, () =>
    whileWorking(engine.store.db, `commit ${crypto.randomUUID()}`, async () => {
      const diffId = await layerOf(engine, container, options.signal);
      const created = new Date().toISOString();
      const { author = base.author, message } = options;
      const entry = { created, created_by: container.command.join(' ') };
      const image = {
        ...base,
        created,
        config: started,
        ...(author === undefined ? {} : { author }),
        rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, diffId] },
        history: [...base.history, message === undefined ? entry : { ...entry, comment: message }],
      } as const;
      const names = options.reference === undefined ? [] : [withTag(options.reference)];
      return writeImage(engine.store, image, names);
    }),
  );
}

/** Its changes as a layer, by way of their archive: the container keeps its own directory. */
async function layerOf(engine: Engine, container: Container, signal: AbortSignal | undefined) {
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container ${container.id} has lost its snapshot`);
  const changeset = await readChangeset(active.upper, lookAt(container));
  const pieces = async function* () {
    yield* batched(archive(changeset));
  };
  return (await unpackArchive(engine.store, active.parent, pieces(), { signal })).diffId;
}

/** One that was paused by somebody else stays so. */
async function heldStill<T>(
  engine: Engine,
  container: Container,
  isWanted: boolean,
  action: () => Promise<T>,
): Promise<T> {
  if (!isWanted || stateOf(engine, container) !== 'running') return await action();
  await pauseContainer(engine, container.id);
  try {
    return await action();
  } finally {
    unpauseContainer(engine, container.id);
  }
}

/** The image's config with what `run` said on top of it. */
function startedWith(container: Container, config: ContainerConfig): ContainerConfig {
  const { options } = container;
  const ports = Object.fromEntries(exposedPorts(options, config).map((port) => [port, {}]));
  const stated = {
    User: options.user,
    WorkingDir: options.workdir,
    Entrypoint: options.entrypoint,
    // A new entrypoint has done away with the image's arguments to the old one.
    Cmd: options.command.length > 0 || options.entrypoint ? options.command : undefined,
    StopSignal: options.stopSignal,
    Env: envOf(options.env, config.Env),
    Labels: { ...config.Labels, ...options.labels },
    ...(Object.keys(ports).length === 0 ? {} : { ExposedPorts: ports }),
  };
  const said = Object.entries(stated).filter(([, value]) => value !== undefined);
  return { ...config, ...Object.fromEntries(said) };
}

/** Later ones win. What was passed on from the environment of a `run` long ago is not known any more. */
function envOf(own: readonly string[], image: readonly string[] = []): string[] {
  const entries = [...image, ...own.filter((entry) => entry.includes('='))];
  return [...new Map(entries.map((entry) => [entry.split('=')[0], entry])).values()];
}
