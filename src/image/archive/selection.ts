import type { Digest } from '../digest.ts';
import { findImage, getImage, type Image, listImages } from '../images.ts';
import { familiar, familiarName, parseReference, type Reference, withTag } from '../reference.ts';
import type { Store } from '../store.ts';

/** An image with those of its names that were asked for, familiar. */
export interface Selected {
  readonly image: Pick<Image, 'manifest'>;
  readonly names: readonly string[];
}

/**
 * The images that words on a command line mean. A name without tag means all tags of its repository, as
 * for docker; an id means the image without names. One that is asked for by several names is there once.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, `REFERENCE_INVALID`
 */
export function select(store: Store, texts: readonly string[]): Selected[] {
  const images = new Map<Digest, Selected>();
  for (const { image, names } of texts.flatMap((text) => meant(store, text))) {
    const before = images.get(image.manifest)?.names ?? [];
    images.set(image.manifest, { image, names: [...new Set([...before, ...names])] });
  }
  return [...images.values()];
}

function meant(store: Store, text: string): Selected[] {
  const image = findImage(store, text);
  // What consists of hex digits may be a name all the same, and a name goes first, as in `findImage`.
  const isOnlyAnId = /^sha256:|^[0-9a-f]{64}$/.test(text);
  const named = isOnlyAnId ? undefined : parseReference(text);
  if (named !== undefined && named.tag === undefined && named.digest === undefined) {
    const all = listImages(store)
      .map((one) => ({ image: one, names: one.tags.filter((tag) => isOf(tag, named)) }))
      .filter(({ names }) => names.length > 0);
    if (all.length > 0) return all;
  }
  const found = image ?? getImage(store, text);
  const name = named === undefined ? undefined : familiar(withTag(named));
  return [{ image: found, names: found.tags.filter((tag) => tag === name) }];
}

function isOf(tag: string, repository: Reference): boolean {
  return familiarName(parseReference(tag)) === familiarName(repository);
}
