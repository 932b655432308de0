import { createReadStream, existsSync, statSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type Digest, hexOf } from '../digest.ts';
import { findImage, getImage, type Image, listImages } from '../images.ts';
import { END, encodeHeader, padding } from '../layer/header.ts';
import { toRaw } from '../layer/scan.ts';
import { describe } from '../layout.ts';
import { type Manifest, MEDIA } from '../manifest.ts';
import { canonical, familiar, familiarName, parseReference, withTag } from '../reference.ts';
import { blobPath, readJson, type Store } from '../store.ts';

/**
 * `docker` is what `docker save` writes today: the OCI form, and beside it `manifest.json`, which
 * older dockers, podman and skopeo's `docker-archive:` read. `oci` is skopeo's `oci-archive:`.
 */
export type ArchiveFormat = 'docker' | 'oci';

/** An image that is saved, with the names that were asked for. */
interface Saved {
  readonly image: Image;
  readonly manifest: Manifest;
  /** Familiar. */
  readonly names: readonly string[];
}

/**
 * Images as one tar archive, in pieces. A name without tag means all tags of its repository, as for
 * docker; an id means the image without names. The same images give the same bytes.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, `BLOB_MISSING`: before the first piece.
 */
export async function* saveImages(
  store: Store,
  references: readonly string[],
  format: ArchiveFormat,
): AsyncGenerator<Buffer> {
  const saved = together(references.flatMap((text) => imagesOf(store, text))).map((one) => ({
    ...one,
    manifest: readJson<Manifest>(store, one.image.manifest),
  }));
  const blobs = [...new Set(saved.flatMap(blobsOf))].sort();
  for (const digest of blobs) verifyThere(store, digest);
  yield* directory('blobs');
  yield* directory('blobs/sha256');
  for (const digest of blobs) yield* blob(store, digest);
  yield* file('index.json', indexOf(store, saved));
  if (format === 'docker') yield* file('manifest.json', manifestOf(saved));
  yield* file('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield END;
}

function imagesOf(store: Store, text: string): { image: Image; names: readonly string[] }[] {
  const image = findImage(store, text);
  const isId = /^(sha256:)?[0-9a-f]+$/.test(text);
  const named = isId && image !== undefined ? undefined : parseReference(text);
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

function isOf(tag: string, repository: ReturnType<typeof parseReference>): boolean {
  return familiarName(parseReference(tag)) === familiarName(repository);
}

/** An image that was asked for by several names is there once. */
function together(asked: readonly { image: Image; names: readonly string[] }[]) {
  const images = new Map<Digest, { image: Image; names: readonly string[] }>();
  for (const { image, names } of asked) {
    const before = images.get(image.manifest)?.names ?? [];
    images.set(image.manifest, { image, names: [...new Set([...before, ...names])] });
  }
  return [...images.values()];
}

function blobsOf({ image, manifest }: Saved): Digest[] {
  return [image.manifest, manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)];
}

function indexOf(store: Store, saved: readonly Saved[]): unknown {
  const manifests = saved.flatMap(({ image, names }) => {
    const references = names.length === 0 ? [null] : names;
    return references.map((name) =>
      describe(store, image.manifest, name === null ? null : canonical(parseReference(name))),
    );
  });
  return { schemaVersion: 2, mediaType: MEDIA.index, manifests };
}

/** Docker's own, image-spec v1.2 ("Combined Image JSON + Filesystem Changeset Format"). */
function manifestOf(saved: readonly Saved[]): unknown {
  return saved.map(({ names, manifest }) => ({
    Config: pathOf(manifest.config.digest),
    RepoTags: names.length === 0 ? null : names,
    Layers: manifest.layers.map(({ digest }) => pathOf(digest)),
  }));
}

function pathOf(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function* directory(path: string): Generator<Buffer> {
  const owner = { mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0n };
  yield encodeHeader({ path: toRaw(path), type: 'directory', ...owner });
}

function* file(path: string, value: unknown): Generator<Buffer> {
  const content = Buffer.from(JSON.stringify(value));
  yield fileHeader(path, content.length);
  yield content;
  yield padding(content.length);
}

async function* blob(store: Store, digest: Digest): AsyncGenerator<Buffer> {
  const { size } = statSync(blobPath(store, digest));
  yield fileHeader(pathOf(digest), size);
  yield* createReadStream(blobPath(store, digest), { highWaterMark: 1 << 20 });
  yield padding(size);
}

function fileHeader(path: string, size: number): Buffer {
  const owner = { mode: 0o644, uid: 0, gid: 0, mtime: 0n };
  return encodeHeader({ path: toRaw(path), type: 'file', size, ...owner });
}

function verifyThere(store: Store, digest: Digest): void {
  if (existsSync(blobPath(store, digest))) return;
  throw new ClocheError('BLOB_MISSING', `blob '${digest}' is not in '${store.root}'`, {
    hint: 'Something other than cloche removed it; remove the image and make it again.',
    details: { digest },
  });
}
