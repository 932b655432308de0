import { findImage, type Image, writeImage } from '../images.ts';
import type { ImageConfig } from '../manifest.ts';
import { familiar, parseReference, type Reference, withTag } from '../reference.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { makeBuildpackDeps } from './debian/buildpack.ts';
import { makeDebian } from './debian/debian.ts';
import { makeNode } from './node/node.ts';
import { type Recipe, recipeOf } from './recipe.ts';
import { makeAlpine } from './tiny/alpine.ts';
import { makeBusybox } from './tiny/busybox.ts';
import { makeDistroless } from './tiny/distroless.ts';

/** How far the making of a base image is, for whoever shows it. */
export interface BaseProgress {
  /** `wait`: another process makes the same one; `debootstrap`, `apt`: a line that it printed. */
  readonly phase: 'wait' | 'begin' | 'debootstrap' | 'apt' | 'fetch' | 'commit' | 'done';
  /** The image's familiar name. */
  readonly image: string;
  /** One line, for people. */
  readonly text: string;
}

export interface BaseOptions {
  readonly onProgress?: ((progress: BaseProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What makers of images have at hand. */
export interface Kitchen {
  readonly store: Store;
  readonly signal: AbortSignal | undefined;
  say(phase: BaseProgress['phase'], text: string): void;
  /** The image below, which is found or made first. */
  below(name: string): Promise<Image>;
}

/**
 * Makes a base image on this machine and tags it with its name on Docker Hub. Two processes that
 * want the same one make it once. Killed at any moment, it leaves no image but whole ones; its
 * directory is removed by the next command.
 *
 * @throws {ClocheError} as `debootstrap`, `viewPackage`, `packageTarball`, `chooseNode`, `needTool`
 */
export async function makeBase(
  store: Store,
  reference: Reference,
  recipe: Recipe,
  options: BaseOptions = {},
): Promise<Image> {
  const name = withTag(reference);
  const image = familiar(name);
  const say: Kitchen['say'] = (phase, text) => options.onProgress?.({ phase, image, text });
  const make = async () => {
    const ready = findImage(store, image);
    if (ready !== undefined) return ready;
    const config = await cook(kitchenOf(store, options, say), recipe);
    const made = writeImage(store, config, [name]);
    say('done', `made ${image} on this machine, it is not the registry's`);
    return made;
  };
  return whileWorking(store.db, `base ${image}`, make, {
    onWait: () => say('wait', `waiting for another process that makes ${image}`),
    signal: options.signal,
  });
}

function cook(kitchen: Kitchen, recipe: Recipe): Promise<ImageConfig> {
  switch (recipe.kind) {
    case 'debian':
      return makeDebian(kitchen, recipe);
    case 'buildpack-deps':
      return makeBuildpackDeps(kitchen, recipe.suite);
    case 'node':
      return makeNode(kitchen, recipe);
    case 'alpine':
      return makeAlpine(kitchen);
    case 'busybox':
      return makeBusybox(kitchen);
    case 'distroless':
      return makeDistroless(kitchen, recipe);
  }
}

function kitchenOf(store: Store, options: BaseOptions, say: Kitchen['say']): Kitchen {
  const below = async (text: string) => {
    const name = parseReference(text);
    const recipe = recipeOf(name);
    if (recipe === undefined) throw new Error(`${text} is no base`);
    return findImage(store, text) ?? makeBase(store, name, recipe, options);
  };
  return { store, signal: options.signal, say, below };
}
