import { ClocheError } from '../error.ts';
import type { BaseOptions } from './bases/make.ts';
import { BASE_NAMES, recipeOf } from './bases/recipe.ts';
import { findImage, type Image } from './images.ts';
import { familiar, parseReference, withTag } from './reference.ts';
import type { Store } from './store.ts';

/**
 * The image that a name or an id means: the local one, else one made here from the distribution's
 * packages. Pulling from a registry is yet to come.
 *
 * @throws {ClocheError} `REFERENCE_INVALID`, `IMAGE_NOT_FOUND`, and what `makeBase` throws.
 */
export async function resolveImage(
  store: Store,
  text: string,
  options: BaseOptions = {},
): Promise<Image> {
  const local = findImage(store, text);
  if (local !== undefined) return local;
  const name = withTag(parseReference(text));
  const recipe = recipeOf(name);
  if (recipe !== undefined) {
    const { makeBase } = await import('./bases/make.ts');
    return makeBase(store, name, recipe, options);
  }
  throw new ClocheError('IMAGE_NOT_FOUND', `unable to find image '${familiar(name)}' locally`, {
    class: 'not-found',
    hint: `cloche cannot pull from registries yet. It makes ${BASE_NAMES}; cloche images lists what there is.`,
    details: { reference: familiar(name) },
  });
}
