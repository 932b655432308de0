import { ClocheError } from '../error.ts';
import { collect } from './collect.ts';
import { getImage, type Image } from './images.ts';
import { writeIndex } from './layout.ts';
import { canonical, familiar, parseReference, withTag } from './reference.ts';
import { exclusively } from './state/database.ts';
import type { Store } from './store.ts';

export interface RemoveOptions {
  readonly force?: boolean | undefined;
  /** The short ids of containers that were made from the image. */
  readonly usedBy?: (image: Image) => readonly string[];
}

export interface Removed {
  readonly untagged: readonly string[];
  /** Digests of image configs. */
  readonly deleted: readonly string[];
}

/**
 * docker's rmi: a name is taken away; with its last name the image goes, and with it the snapshots
 * and blobs that nothing else needs. By id, an image with several names goes only by force.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`; `IMAGE_IN_USE`: a container was made from it.
 */
export function removeImage(store: Store, text: string, options: RemoveOptions = {}): Removed {
  const removed = exclusively(store.db, () => {
    const image = getImage(store, text);
    const name = nameOf(image, text);
    const keepsAName = name !== undefined && image.tags.length > 1;
    if (!keepsAName && options.force !== true) refuseIfUsed(image, text, options);
    if (name === undefined && image.tags.length > 1 && options.force !== true)
      throw inUse(image, text, 'image is referenced in multiple repositories');
    const untagged = keepsAName ? [name] : image.tags;
    for (const tag of untagged)
      store.db.query('DELETE FROM tags WHERE reference = ?').run(canonical(parseReference(tag)));
    if (!keepsAName) store.db.query('DELETE FROM images WHERE manifest = ?').run(image.manifest);
    writeIndex(store);
    return { untagged, deleted: keepsAName ? [] : [image.id] };
  });
  if (removed.deleted.length > 0) collect(store);
  return removed;
}

/** The tag that `text` says, if it says one and no id. */
function nameOf(image: Image, text: string): string | undefined {
  if (/^sha256:|^[0-9a-f]{64}$/.test(text)) return undefined;
  const name = familiar(withTag(parseReference(text)));
  return image.tags.includes(name) ? name : undefined;
}

function refuseIfUsed(image: Image, text: string, options: RemoveOptions): void {
  const [container] = options.usedBy?.(image) ?? [];
  if (container !== undefined)
    throw inUse(image, text, `container ${container} is using its referenced image`);
}

function inUse(image: Image, text: string, why: string): ClocheError {
  const short = image.id.slice('sha256:'.length, 19);
  return new ClocheError(
    'IMAGE_IN_USE',
    `conflict: unable to remove repository reference "${text}" (must force) - ${why} ${short}`,
    { class: 'conflict', hint: 'Remove the container first, or the names one by one.' },
  );
}
