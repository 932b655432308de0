import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { END, encodeHeader, padding } from '../layer/header.ts';
import { toRaw } from '../layer/scan.ts';
import { describe } from '../layout.ts';
import { isOci, type Manifest, MEDIA, toOci } from '../manifest.ts';
import { canonical, parseReference } from '../reference.ts';
import { blobPath, readJson, type Store } from '../store.ts';
import { writeBlobs, writeTop } from './layout.ts';
import { type Selected, select } from './selection.ts';

/**
 * `docker` is what `docker save` writes today: the OCI form, and beside it `manifest.json`, which
 * older dockers, podman and skopeo's `docker-archive:` read. `oci` is skopeo's `oci-archive:`.
 */
export type ArchiveFormat = 'docker' | 'oci';

/** An image that is saved: its manifest as it will be in the archive. */
interface Saved extends Selected {
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  readonly digest: Digest;
}

/**
 * Images as one tar archive, in pieces. The same images give the same bytes.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, `BLOB_MISSING`: before the first piece.
 */
export function saveImages(
  store: Store,
  references: readonly string[],
  format: ArchiveFormat,
): AsyncGenerator<Buffer> {
  return archiveOf(store, select(store, references), format);
}

/** As `saveImages`, of images whose blobs are in the store, whether they are its images or not. */
export async function* archiveOf(
  store: Store,
  selected: readonly Selected[],
  format: ArchiveFormat,
): AsyncGenerator<Buffer> {
  const saved = selected.map((one) => manifestFor(store, one, format));
  const manifests = new Map(saved.map(({ digest, bytes }) => [digest, bytes]));
  const others = new Set(saved.flatMap(blobsOf));
  for (const digest of others) verifyThere(store, digest);
  yield* directory('blobs');
  yield* directory('blobs/sha256');
  for (const digest of [...manifests.keys(), ...others].sort()) {
    const bytes = manifests.get(digest);
    if (bytes === undefined) yield* blob(store, digest);
    else yield* file(pathOf(digest), bytes);
  }
  yield* json('index.json', indexOf(store, saved));
  if (format === 'docker') yield* json('manifest.json', manifestOf(saved));
  yield* json('oci-layout', { imageLayoutVersion: '1.0.0' });
  yield END;
}

/**
 * The same as a directory in OCI layout, which is made if it is not there; blobs that lie in it stay, and
 * the index comes last.
 *
 * @throws {ClocheError} `BLOB_MISSING`
 */
export function writeDirectory(
  store: Store,
  directory: string,
  selected: readonly Selected[],
): void {
  const saved = selected.map((one) => manifestFor(store, one, 'oci'));
  for (const { manifest, bytes, digest } of saved) {
    for (const blob of [manifest.config, ...manifest.layers]) verifyThere(store, blob.digest);
    writeBlobs(store, directory, manifest, { bytes, digest });
  }
  writeTop(directory, indexOf(store, saved));
}

/** As it is; but skopeo sees no manifest of docker's in an OCI layout, so there it becomes an OCI one. */
function manifestFor(store: Store, selected: Selected, format: ArchiveFormat): Saved {
  const stored = selected.image.manifest;
  const manifest = readJson<Manifest>(store, stored);
  if (format === 'docker' || isOci(manifest))
    return { ...selected, manifest, bytes: readFileSync(blobPath(store, stored)), digest: stored };
  const converted = toOci(manifest);
  const bytes = Buffer.from(JSON.stringify(converted));
  return { ...selected, manifest: converted, bytes, digest: digestOf(bytes) };
}

function blobsOf({ manifest }: Saved): Digest[] {
  return [manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)];
}

function indexOf(store: Store, saved: readonly Saved[]): unknown {
  const manifests = saved.flatMap(({ image, names, manifest, bytes, digest }) => {
    const references = names.length === 0 ? [null] : names;
    return references.map((name) => {
      const described = { ...describe(store, image.manifest, null), ...annotated(name) };
      if (digest === image.manifest) return described;
      return { ...described, mediaType: manifest.mediaType, digest, size: bytes.length };
    });
  });
  return { schemaVersion: 2, mediaType: MEDIA.index, manifests };
}

/** As docker's and buildx' archives have it: containerd's name in full, the OCI's is the tag alone. */
function annotated(name: string | null) {
  if (name === null) return {};
  const reference = parseReference(name);
  return {
    annotations: {
      'io.containerd.image.name': canonical(reference),
      'org.opencontainers.image.ref.name': reference.tag ?? 'latest',
    },
  };
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

function* json(path: string, value: unknown): Generator<Buffer> {
  yield* file(path, Buffer.from(JSON.stringify(value)));
}

function* file(path: string, content: Buffer): Generator<Buffer> {
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
