import { configOf, type Image } from './images.ts';
import { familiarName, parseReference } from './reference.ts';
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
    RepoDigests: digestsOf(image),
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

/** `debian@sha256:…` for each repository that it has a name in: the manifest's digest. */
export function digestsOf({ tags, manifest }: Pick<Image, 'tags' | 'manifest'>): string[] {
  const repositories = tags.map((tag) => familiarName(parseReference(tag)));
  return [...new Set(repositories)].map((repository) => `${repository}@${manifest}`);
}
