import { type BuildRecord, forgetRecords, forgetRuns, lastBuilds } from '../build/index.ts';
import { allContainers, type Engine, isAlive } from '../engine/index.ts';
import { removeEnded } from '../engine/life/remove.ts';
import { usersOf } from '../engine/look/image-users.ts';
import {
  configOf,
  familiar,
  find,
  findImage,
  type Image,
  parseReference,
  removeImage,
  treeOf,
  withTag,
} from '../image/index.ts';
import { compare, EMPTY } from '../image/layers/index.ts';
import type { Makes } from './lesson.ts';
import type { Containers, ContainerView } from './observe/index.ts';
import type { BuildView, ImageView, Workshop } from './observe/workshop.ts';

/** What the playground needs of an engine. */
export interface World {
  readonly containers: Containers;
  readonly workshop: Workshop;
  /**
   * Takes away images, with those that a later build took the name from, and what the build cache knows
   * of the instructions that are named. @returns how many images went
   */
  discard(makes: Pick<Makes, 'images' | 'forgets'>): number;
}

export function worldOf(engine: Engine): World {
  return {
    containers: containersOf(engine),
    workshop: workshopOf(engine),
    discard: ({ images, forgets }) => {
      if (forgets !== undefined) forgetRuns(engine.store, forgets);
      return images.reduce((sum, name) => sum + discardBuilt(engine, name), 0);
    },
  };
}

/**
 * Takes away what was built under a name: the image, those that lost the name to a later build, and the
 * records. What has another name, or what a container uses, stays. @returns how many images went
 */
function discardBuilt(engine: Engine, name: string): number {
  const { store } = engine;
  const usedBy = usersOf(engine);
  const built = lastBuilds(store)
    .filter((record) => isOf(record, name))
    .flatMap(({ image }) => image ?? []);
  const named = findImage(store, name);
  if (named !== undefined) removeImage(store, name, { force: true, usedBy });
  const nameless = [...new Set(built)].filter((id) => {
    const image = findImage(store, id);
    return image !== undefined && image.tags.length === 0 && usedBy(image).length === 0;
  });
  for (const id of nameless) removeImage(store, id, { force: true });
  forgetRecords(store, (record) => isOf(record, name));
  return nameless.length + (named === undefined ? 0 : 1);
}

function containersOf(engine: Engine): Containers {
  return {
    find: async (name) => running(engine, name),
    remove: async (name) => {
      const container = allContainers(engine).find((one) => one.name === name);
      // It may remove itself just now.
      if (container !== undefined) await removeEnded(engine, container.id);
    },
  };
}

function workshopOf(engine: Engine): Workshop {
  const { store } = engine;
  return {
    image: (name) => {
      const image = findImage(store, name);
      return image === undefined ? undefined : imageView(engine, image);
    },
    lost: (from, to) => {
      const [first, second] = [findImage(store, from), findImage(store, to)];
      return first === undefined || second === undefined ? [] : compare(store, first, second).gone;
    },
    builds: (name) => {
      return lastBuilds(store)
        .filter((record) => isOf(record, name))
        .map(buildView);
    },
    container: async (name) => running(engine, name),
  };
}

function isOf({ tags }: BuildRecord, name: string): boolean {
  const familiarOf = (text: string) => familiar(withTag(parseReference(text)));
  return tags.some((tag) => familiarOf(tag) === familiarOf(name));
}

function running(engine: Engine, name: string): ContainerView | undefined {
  const container = allContainers(engine).find((one) => one.name === name);
  if (container?.pid === undefined || !isAlive(container)) return undefined;
  const { pid, started = container.created, imageId: image } = container;
  return { pid, started, image };
}

function imageView({ store }: Engine, image: Image): ImageView {
  const { config, history } = configOf(store, image);
  return {
    id: image.id,
    size: image.size,
    user: config.User ?? '',
    labels: config.Labels ?? {},
    history: history.map(({ created_by = '' }) => created_by),
    has: (path) =>
      image.chainId !== undefined && find(treeOf(store, image.chainId), path) !== undefined,
    contents: () => compare(store, image, EMPTY).gone,
  };
}

function buildView(build: BuildRecord): BuildView {
  const steps = build.steps.map(({ name, cached, milliseconds }) => {
    return { name, cached, seconds: milliseconds / 1000 };
  });
  return { finished: new Date(build.finished), steps };
}
