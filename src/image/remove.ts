import { ClocheError } from '../error.ts';
import { sweep } from './collect.ts';
import { type ChainId, type Digest, hexOf } from './digest.ts';
import { getImage, type Image } from './images.ts';
import { writeIndex } from './layout.ts';
import { canonical, familiar, parseReference, withTag } from './reference.ts';
import { exclusively } from './state/database.ts';
import type { Store } from './store.ts';

/** A container that was made from an image. */
export interface ImageUser {
  /** As people see it: twelve digits. */
  readonly id: string;
  readonly running: boolean;
}

export interface RemoveOptions {
  readonly force?: boolean | undefined;
  /** The containers that were made from the image. */
  readonly usedBy?: (image: Image) => readonly ImageUser[];
}

export interface Removed {
  /** Familiar names. */
  readonly untagged: readonly string[];
  /** The digest of the image's config, and the chainIDs of the layers that went with it. */
  readonly deleted: readonly (Digest | ChainId)[];
  /** Bytes. */
  readonly freed: number;
}

/**
 * docker's rmi: a name is taken away; with its last name the image goes, and with it the snapshots
 * and blobs that nothing else needs. By id, an image with several names goes only by force. By force
 * a running container's image loses its last name and stays.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`; `IMAGE_IN_USE`: a container was made from it.
 */
export function removeImage(store: Store, text: string, options: RemoveOptions = {}): Removed {
  const { untagged, image, goes } = exclusively(store.db, () => {
    const image = getImage(store, text);
    const name = nameOf(image, text);
    const users = options.usedBy?.(image) ?? [];
    const keepsAName = name !== undefined && image.tags.length > 1;
    if (!keepsAName) refuse(image, text, name, users, options.force === true);
    const untagged = keepsAName ? [name] : image.tags;
    for (const tag of untagged)
      store.db.query('DELETE FROM tags WHERE reference = ?').run(canonical(parseReference(tag)));
    const goes = !keepsAName && !users.some(({ running }) => running);
    if (goes) store.db.query('DELETE FROM images WHERE manifest = ?').run(image.manifest);
    writeIndex(store);
    return { untagged, image, goes };
  });
  if (!goes) return { untagged, deleted: [], freed: 0 };
  const { chains, freed } = sweep(store);
  return { untagged, deleted: [image.id, ...chains], freed };
}

/** The tag that `text` says, if it says one and no id. */
function nameOf(image: Image, text: string): string | undefined {
  if (/^sha256:|^[0-9a-f]{64}$/.test(text)) return undefined;
  const name = familiar(withTag(parseReference(text)));
  return image.tags.includes(name) ? name : undefined;
}

/** docker's conflicts, and its words for them. */
function refuse(
  image: Image,
  text: string,
  name: string | undefined,
  users: readonly ImageUser[],
  force: boolean,
): void {
  const short = hexOf(image.id).slice(0, 12);
  const user = users.find(({ running }) => running) ?? users[0];
  if (name !== undefined) {
    if (user === undefined || force) return;
    const what = `remove repository reference "${text}" (must force)`;
    throw inUse(what, `container ${user.id} is using its referenced image ${short}`);
  }
  if (user?.running)
    throw inUse(
      `delete ${short} (cannot be forced)`,
      `image is being used by running container ${user.id}`,
    );
  if (force) return;
  const what = `delete ${short} (must be forced)`;
  if (image.tags.length > 1) throw inUse(what, 'image is referenced in multiple repositories');
  if (user !== undefined) throw inUse(what, `image is being used by stopped container ${user.id}`);
}

function inUse(what: string, why: string): ClocheError {
  return new ClocheError('IMAGE_IN_USE', `conflict: unable to ${what} - ${why}`, {
    class: 'conflict',
    hint: 'Remove the container first, or the names one by one.',
  });
}
