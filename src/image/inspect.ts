import type { Digest } from './digest.ts';
import { configOf, type Image } from './images.ts';
import { familiar, familiarName, parseReference } from './reference.ts';
import { stackOf } from './snapshots.ts';
import type { Store } from './store.ts';

/**
 * What docker's `image inspect` says of an image, in its names, for all that is known here.
 *
 * @throws {ClocheError} `BLOB_MISSING`, `BLOB_CORRUPT`, `SNAPSHOT_NOT_FOUND`
 */
export function inspectImage(store: Store, image: Image) {
  const { created, author, architecture, variant, os, config, rootfs, history } = configOf(
    store,
    image,
  );
  const [upper, ...lower] = stackOf(store, image.chainId).map(({ directory }) => directory);
  return {
    Id: image.id,
    RepoTags: image.tags,
    RepoDigests: digestsOf(store, image),
    Comment: history.at(-1)?.comment ?? '',
    Created: created ?? image.created.toISOString(),
    Author: author ?? '',
    Config: config,
    Architecture: architecture,
    ...(variant === undefined ? {} : { Variant: variant }),
    Os: os,
    Size: image.size,
    GraphDriver: {
      Name: 'overlay2',
      Data: { LowerDir: lower.join(':'), UpperDir: upper ?? '' },
    },
    RootFS: { Type: rootfs.type, Layers: rootfs.diff_ids },
  };
}

/**
 * `debian@sha256:…` for each repository that it has a name in: the digest by which a registry knows
 * it, often an index's; where none has been asked, the manifest's.
 */
export function digestsOf(store: Store, { tags, manifest }: Image): string[] {
  const known = knownDigests(store, manifest);
  const others = tags
    .map((tag) => familiarName(parseReference(tag)))
    .filter((name) => !known.some((one) => one.startsWith(`${name}@`)));
  return [...known, ...new Set(others.map((name) => `${name}@${manifest}`))];
}

/** Those by which registries were heard to know it, familiar. */
export function knownDigests(store: Store, manifest: Digest): string[] {
  return store.db
    .query<{ reference: string }, [string]>(
      'SELECT reference FROM digests WHERE manifest = ? ORDER BY reference',
    )
    .all(manifest)
    .map(({ reference }) => familiar(parseReference(reference)));
}
