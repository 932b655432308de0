import { ClocheError } from '../error.ts';
import { type ChainId, chainOfAll, type Digest } from './digest.ts';
import { writeIndex } from './layout.ts';
import {
  type Descriptor,
  type ImageConfig,
  type Manifest,
  MEDIA,
  type Platform,
  plainConfig,
} from './manifest.ts';
import { canonical, familiar, parseReference, type Reference, withTag } from './reference.ts';
import { stackOf } from './snapshots.ts';
import { exclusively } from './state/database.ts';
import { readJson, type Store, writeJson } from './store.ts';

/** An image of the store. */
export interface Image {
  /** Its config's digest, docker's image id. */
  readonly id: Digest;
  readonly manifest: Digest;
  /** What a container of it stands on; undefined for one without layers. */
  readonly chainId: ChainId | undefined;
  /** Bytes of all layers' files. */
  readonly size: number;
  readonly created: Date;
  /** Familiar names, `debian:bookworm`; empty for an image that lost its name. */
  readonly tags: readonly string[];
}

/**
 * Makes an image of a config whose layers are committed snapshots, and names it. A name that another
 * image had is taken from it. Must run within `whileWorking`, so that the blobs are not collected
 * before they are named.
 *
 * @throws {ClocheError} `SNAPSHOT_NOT_FOUND`
 */
export function writeImage(
  store: Store,
  config: ImageConfig,
  names: readonly Reference[] = [],
  form: ManifestForm = {},
): Image {
  return insertImage(store, names, composeImage(store, config, form));
}

/** What a manifest may say beyond what its config does. */
export interface ManifestForm {
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The layers' blobs, lowest first, if they are others than the snapshots'. */
  readonly layers?: readonly Descriptor[] | undefined;
}

/** As `writeImage`, but the store only has the image's blobs then, until they are collected. */
export function composeImage(
  store: Store,
  config: ImageConfig,
  { annotations, layers: said }: ManifestForm = {},
): Noted {
  const chainId = chainOfAll(config.rootfs.diff_ids);
  const stack = stackOf(store, chainId).reverse();
  const blob = writeJson(store, MEDIA.config, config);
  const layers = said ?? stack.map((snapshot) => snapshot.blob);
  const written: Manifest = {
    ...{ schemaVersion: 2, mediaType: MEDIA.manifest, config: blob, layers },
    ...(annotations === undefined ? {} : { annotations }),
  };
  const manifest = writeJson(store, MEDIA.manifest, written).digest;
  return {
    manifest,
    config: blob.digest,
    chainId,
    size: stack.reduce((sum, snapshot) => sum + snapshot.size, 0),
    created: config.created === undefined ? Date.now() : Date.parse(config.created),
    mediaType: MEDIA.manifest,
    platform: platformOf(config),
  };
}

/** What an image's config says of where it runs. */
export function platformOf({ os, architecture, variant }: ImageConfig): Platform {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/** What the store notes of an image. */
export interface Noted {
  readonly manifest: Digest;
  readonly config: Digest;
  readonly chainId: ChainId | undefined;
  /** Bytes of all layers' files. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  /** The manifest's. */
  readonly mediaType: string;
  readonly platform: Platform;
}

/** Notes an image whose blobs and snapshots are in the store, and names it. */
export function insertImage(store: Store, names: readonly Reference[], noted: Noted): Image {
  const { manifest, config, chainId, size, created, mediaType, platform } = noted;
  // A build that was cached changes nothing, and need not wait for others.
  if (isNoted(store, manifest, names)) return imageOf(store, manifest);
  exclusively(store.db, () => {
    store.db
      .query('INSERT OR IGNORE INTO images VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        ...[manifest, config, chainId ?? null, size, created],
        ...[mediaType, JSON.stringify(platform)],
      );
    for (const name of names) setTag(store, name, manifest);
    writeIndex(store);
  });
  return imageOf(store, manifest);
}

function isNoted(store: Store, manifest: Digest, names: readonly Reference[]): boolean {
  return (
    store.db.query('SELECT 1 FROM images WHERE manifest = ?').get(manifest) !== null &&
    names.every((name) => manifestNamed(store, name) === manifest)
  );
}

/** Gives an image one more name, taken from whichever image had it. @throws `IMAGE_NOT_FOUND` */
export function tagImage(store: Store, source: string, target: string): void {
  const name = withTag(parseReference(target));
  if (name.digest !== undefined)
    throw new ClocheError('REFERENCE_INVALID', 'refusing to create a tag with a digest reference', {
      class: 'invalid-argument',
    });
  exclusively(store.db, () => {
    setTag(store, name, getImage(store, source).manifest);
    writeIndex(store);
  });
}

/**
 * An image by its name, its id or the beginning of it (docker's order: a name first).
 *
 * @throws {ClocheError} `REFERENCE_INVALID`, `IMAGE_AMBIGUOUS`
 */
export function findImage(store: Store, text: string): Image | undefined {
  const byId = /^(sha256:)?[0-9a-f]{4,64}$/.test(text) ? idsLike(store, text) : [];
  const isOnlyAnId = /^sha256:|^[0-9a-f]{64}$/.test(text);
  const named = isOnlyAnId ? undefined : manifestNamed(store, withTag(parseReference(text)));
  const manifest = named ?? byId[0];
  if (manifest === undefined) return undefined;
  if (named === undefined && byId.length > 1)
    throw new ClocheError('IMAGE_AMBIGUOUS', `'${text}' is the beginning of ${byId.length} ids`, {
      class: 'invalid-argument',
      hint: 'Give more of its digits.',
    });
  return imageOf(store, manifest);
}

/** As `findImage`. @throws {ClocheError} `IMAGE_NOT_FOUND`, in docker's words */
export function getImage(store: Store, text: string): Image {
  const image = findImage(store, text);
  if (image !== undefined) return image;
  const shown = /^sha256:|^[0-9a-f]{64}$/.test(text)
    ? text
    : familiar(withTag(parseReference(text)));
  throw new ClocheError('IMAGE_NOT_FOUND', `no such image: ${shown}`, {
    class: 'not-found',
    hint: 'cloche images lists what there is.',
    details: { reference: shown },
  });
}

/** @throws {ClocheError} `BLOB_MISSING`, `BLOB_CORRUPT` */
export function configOf(store: Store, image: Pick<Image, 'id'>): ImageConfig {
  return plainConfig(readJson<Partial<ImageConfig>>(store, image.id));
}

/** All images, the newest first. */
export function listImages(store: Store): Image[] {
  return store.db
    .query<{ manifest: Digest }, []>('SELECT manifest FROM images ORDER BY created DESC, manifest')
    .all()
    .map(({ manifest }) => imageOf(store, manifest));
}

/** An image by the digest of its manifest. */
export function imageOf(store: Store, manifest: Digest): Image {
  const row = store.db
    .query<ImageRow, [string]>('SELECT * FROM images WHERE manifest = ?')
    .get(manifest);
  if (row === null) throw new ClocheError('IMAGE_NOT_FOUND', `no such image: ${manifest}`);
  const tags = store.db
    .query<{ reference: string }, [string]>(
      'SELECT reference FROM tags WHERE manifest = ? ORDER BY reference',
    )
    .all(manifest);
  return {
    id: row.config,
    manifest,
    chainId: row.chain ?? undefined,
    size: row.size,
    created: new Date(row.created),
    tags: tags.map(({ reference }) => familiar(parseReference(reference))),
  };
}

interface ImageRow {
  readonly config: Digest;
  readonly chain: ChainId | null;
  readonly size: number;
  readonly created: number;
}

function setTag(store: Store, name: Reference, manifest: Digest): void {
  store.db
    .query('INSERT OR REPLACE INTO tags (reference, manifest, tagged) VALUES (?, ?, ?)')
    .run(canonical(name), manifest, Date.now());
}

function manifestNamed(store: Store, name: Reference): Digest | undefined {
  if (name.digest !== undefined)
    return store.db
      .query<{ manifest: Digest }, [string, string]>(
        `SELECT manifest FROM images WHERE manifest = ?
         UNION SELECT manifest FROM digests WHERE reference = ?`,
      )
      .get(name.digest, canonical({ ...name, tag: undefined }))?.manifest;
  return store.db
    .query<{ manifest: Digest }, [string]>('SELECT manifest FROM tags WHERE reference = ?')
    .get(canonical(name))?.manifest;
}

function idsLike(store: Store, text: string): Digest[] {
  const beginning = text.startsWith('sha256:') ? text : `sha256:${text}`;
  return store.db
    .query<{ manifest: Digest }, [string]>(
      // Two manifests of one config, such as with other annotations, are one image.
      "SELECT manifest FROM images WHERE config GLOB ? || '*' GROUP BY config ORDER BY created DESC",
    )
    .all(beginning)
    .map(({ manifest }) => manifest);
}
