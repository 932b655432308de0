import { ClocheError } from '../error.ts';
import { sweep } from './collect.ts';
import { type ChainId, type Digest, hexOf } from './digest.ts';
import { getImage, type Image } from './images.ts';
import { knownDigests } from './inspect.ts';
import { writeIndex } from './layout.ts';
import {
  canonical,
  familiar,
  familiarName,
  parseReference,
  type Reference,
  withTag,
} from './reference.ts';
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
 * docker's rmi: a name is taken away, a tag or a digest; with its last name the image goes, and with it
 * the snapshots and blobs that nothing else needs. By id, an image with several names goes only by force. By force
 * a running container's image loses its last name and stays.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`; `IMAGE_IN_USE`: a container was made from it.
 */
export function removeImage(store: Store, text: string, options: RemoveOptions = {}): Removed {
  const { untagged, image, goes } = exclusively(store.db, () => {
    const image = getImage(store, text);
    const all = namesOf(store, image);
    const name = nameOf(image, text);
    const going = name === undefined ? all : goingWith(all, name);
    if (going.length === 0 && all.length > 0) throw derived(text, all);
    const users = options.usedBy?.(image) ?? [];
    const isLast = going.length === all.length;
    if (isLast) refuse(image, text, { name, all, users, force: options.force === true });
    for (const table of ['tags', 'digests'])
      for (const one of going)
        store.db.query(`DELETE FROM ${table} WHERE reference = ?`).run(canonical(one));
    const goes = isLast && !users.some(({ running }) => running);
    if (goes) store.db.query('DELETE FROM images WHERE manifest = ?').run(image.manifest);
    writeIndex(store);
    return { untagged: going.map(familiar), image, goes };
  });
  if (!goes) return { untagged, deleted: [], freed: 0 };
  const { chains, freed } = sweep(store);
  return { untagged, deleted: [image.id, ...chains], freed };
}

/** All that keeps an image: its tags, and then what registries call it. */
function namesOf(store: Store, { manifest, tags }: Image): Reference[] {
  return [...tags, ...knownDigests(store, manifest)].map(parseReference);
}

/** The tag or digest that `text` says, if it says one and no id. */
function nameOf(image: Image, text: string): Reference | undefined {
  if (/^sha256:|^[0-9a-f]{64}$/.test(text)) return undefined;
  const name = withTag(parseReference(text));
  if (name.digest !== undefined) return { ...name, tag: undefined };
  return image.tags.includes(familiar(name)) ? name : undefined;
}

/** What goes with a name: with the last tag of a repository also the digests that are known of it there. */
function goingWith(all: readonly Reference[], name: Reference): Reference[] {
  const others = all.filter(
    (one) => !isSame(one, name) && familiarName(one) === familiarName(name),
  );
  const isLastTag = name.digest === undefined && others.every(({ digest }) => digest !== undefined);
  return [...all.filter((one) => isSame(one, name)), ...(isLastTag ? others : [])];
}

function isSame(one: Reference, other: Reference): boolean {
  return canonical(one) === canonical(other);
}

/** docker's conflicts, and its words for them. */
function refuse(
  image: Image,
  text: string,
  {
    name,
    all,
    users,
    force,
  }: {
    readonly name: Reference | undefined;
    readonly all: readonly Reference[];
    readonly users: readonly ImageUser[];
    readonly force: boolean;
  },
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
  const [first] = all;
  if (first !== undefined && goingWith(all, first).length < all.length)
    throw inUse(what, 'image is referenced in multiple repositories');
  if (user !== undefined) throw inUse(what, `image is being used by stopped container ${user.id}`);
}

/** A digest that no registry was asked for is there with each tag, and cannot go without it. */
function derived(text: string, all: readonly Reference[]): ClocheError {
  const names = all.map(familiar).join(', ');
  return new ClocheError(
    'IMAGE_IN_USE',
    `conflict: unable to remove repository reference "${text}" - the image is ${names}`,
    { class: 'conflict', hint: 'Remove these names; the digest goes with them.' },
  );
}

function inUse(what: string, why: string): ClocheError {
  return new ClocheError('IMAGE_IN_USE', `conflict: unable to ${what} - ${why}`, {
    class: 'conflict',
    hint: 'Remove the container first, or the names one by one.',
  });
}
