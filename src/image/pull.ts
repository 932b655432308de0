import { ClocheError } from '../error.ts';
import type { BaseOptions } from './bases/make.ts';
import { BASE_NAMES, recipeOf } from './bases/recipe.ts';
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
 * The image that a name or an id means: the local one, else its registry's, else one made here from
 * the distribution's packages. Who is offline loses two seconds at most.
 *
 * @throws {ClocheError} `REFERENCE_INVALID`; `IMAGE_NOT_FOUND` with both reasons; as `attemptPull`
 *   and `makeBase`
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
  const onEvent = options.onTransfer ?? told(familiar(name), options);
  const { attemptPull } = await import('./registry/attempt.ts');
  const pulled = await attemptPull(store, name, { onEvent, signal, platform, keepsName });
  if (!(pulled instanceof ClocheError)) return pulled;
  const recipe = platform === undefined ? recipeOf(name) : undefined;
  if (recipe === undefined) throw absent(name, pulled);
  onEvent({ status: `cannot pull ${familiar(name)}: ${pulled.message}` });
  const { makeBase } = await import('./bases/make.ts');
  return local ?? makeBase(store, name, recipe, options);
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

function absent(name: Reference, reason: ClocheError): ClocheError {
  const shown = familiar(name);
  return new ClocheError(
    'IMAGE_NOT_FOUND',
    `unable to find image '${shown}' locally, nor to pull it: ${reason.message}`,
    {
      class: 'not-found',
      hint: `${reason.hint ?? ''} Without a registry cloche makes ${BASE_NAMES}; cloche images lists what there is.`.trim(),
      details: { reference: shown, ...reason.details },
      cause: reason,
    },
  );
}
