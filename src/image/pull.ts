import { ClocheError } from '../error.ts';
import type { BaseOptions } from './bases/make.ts';
import { BASE_NAMES, type Recipe, recipeOf } from './bases/recipe.ts';
import { configOf, findImage, getImage, type Image } from './images.ts';
import type { Platform } from './manifest.ts';
import { familiar, parseReference, type Reference, withTag } from './reference.ts';
import type { OnTransfer } from './registry/progress.ts';
import type { Store } from './store.ts';

/** When a registry is asked, in docker's words; `missing` is what is meant where nothing is said. */
export type PullPolicy = 'always' | 'missing' | 'never';

export interface ResolveOptions extends BaseOptions {
  /** Told of a pull; without it `onProgress` is, in lines. */
  readonly onTransfer?: OnTransfer | undefined;
  readonly pull?: PullPolicy | undefined;
  /** Of another platform than this machine's. */
  readonly platform?: Platform | undefined;
  /** What the name means here it goes on to mean: what is pulled gets it only if nothing has it. */
  readonly keepsName?: boolean | undefined;
}

/**
 * The image that a name or an id means: the local one, else its registry's, else, where that is out of
 * reach, one made here from the distribution's packages. Who is offline loses two seconds at most.
 *
 * @throws {ClocheError} `REFERENCE_INVALID`; `IMAGE_NOT_FOUND` with both reasons; as `attemptPull`
 *   and `makeBase`; what a registry answers that limits how often it is asked, or fails
 */
export async function resolveImage(
  store: Store,
  text: string,
  options: ResolveOptions = {},
): Promise<Image> {
  const { pull = 'missing', platform, keepsName, signal } = options;
  const local = await localImage(store, text, platform);
  if (local !== undefined && pull !== 'always') return local;
  // An id is nothing that a registry could be asked for.
  if (pull === 'never' || text.startsWith('sha256:')) return getImage(store, text);
  const name = withTag(parseReference(text));
  const onTransfer = options.onTransfer ?? told(familiar(name), options);
  const { attemptPull } = await import('./registry/attempt.ts');
  const about = { onEvent: onTransfer, signal, platform, keepsName };
  const pulled = await attemptPull(store, name, about);
  if (!(pulled instanceof ClocheError)) return pulled.image;
  return standIn(store, name, pulled, { ...options, onTransfer });
}

/**
 * What there is of an image that its registry did not give, and says so: the one that is here, else one
 * that is made here. Only for who cannot reach the registry: what that answers is the answer.
 *
 * @param reason of `attemptPull`
 * @throws {ClocheError} `IMAGE_NOT_FOUND` with the reason; the reason itself; as `makeBase`
 */
export async function standIn(
  store: Store,
  name: Reference,
  reason: ClocheError,
  options: ResolveOptions,
): Promise<Image> {
  const { isOutOfReach } = await import('./registry/attempt.ts');
  if (!isOutOfReach(reason)) throw refused(name, reason);
  const recipe = options.platform === undefined ? recipeFor(name, reason) : undefined;
  if (recipe === undefined) throw absent(name, reason, unmade());
  options.onTransfer?.({ status: `cannot pull ${familiar(name)}: ${reason.message}` });
  if (findImage(store, familiar(name)) !== undefined)
    options.onTransfer?.({ status: `using the ${familiar(name)} that is here` });
  const { makeBase } = await import('./bases/make.ts');
  return makeBase(store, name, recipe, options);
}

/** That a tag is none of those that can be made is only half of what is wrong. */
function recipeFor(name: Reference, reason: ClocheError): Recipe | undefined {
  try {
    return recipeOf(name);
  } catch (error) {
    throw absent(name, reason, (error as ClocheError).hint);
  }
}

async function localImage(store: Store, text: string, platform: Platform | undefined) {
  const image = findImage(store, text);
  if (image === undefined || platform === undefined) return image;
  const { matches } = await import('./registry/platform.ts');
  return matches(configOf(store, image), platform) ? image : undefined;
}

/** A pull told in lines, without its bytes. */
function told(image: string, { onProgress }: BaseOptions): OnTransfer {
  return ({ id, status, progressDetail }) => {
    if (progressDetail !== undefined) return;
    onProgress?.({ phase: 'fetch', image, text: id === undefined ? status : `${id}: ${status}` });
  };
}

/** A registry that has no such image for us, or one that is not itself now: that is no lack of an image. */
function refused(name: Reference, reason: ClocheError): ClocheError {
  const lacks = /^REGISTRY_(NOT_FOUND|DENIED|UNAUTHORIZED)$|^PLATFORM_/.test(reason.code);
  return lacks ? absent(name, reason) : reason;
}

const unmade = () =>
  `Without a registry cloche makes ${BASE_NAMES}; cloche images lists what there is.`;

function absent(name: Reference, reason: ClocheError, more = ''): ClocheError {
  const shown = familiar(name);
  return new ClocheError(
    'IMAGE_NOT_FOUND',
    `unable to find image '${shown}' locally, nor to pull it: ${reason.message}`,
    {
      class: 'not-found',
      hint: `${reason.hint ?? ''} ${more}`.trim(),
      details: { reference: shown, ...reason.details },
      cause: reason,
    },
  );
}
