import { existsSync, readFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import type { Digest } from '../digest.ts';
import { configOf, findImage, listImages } from '../images.ts';
import type { Descriptor, Manifest } from '../manifest.ts';
import { canonical, familiar, parseReference, type Reference, withTag } from '../reference.ts';
import type { OutgoingManifest } from '../remote.ts';
import { whileWorking } from '../state/work.ts';
import { blobPath, type Store, verifyBlob } from '../store.ts';
import { findCredentials } from './credentials.ts';
import { ownEndpoint } from './endpoint.ts';
import { putManifest } from './manifests.ts';
import { type Crew, crew } from './parallel.ts';
import type { Patience } from './patience.ts';
import { type OnTransfer, shortId } from './progress.ts';
import { openSession, type Session } from './session.ts';
import { type Uploaded, uploadBlob } from './upload.ts';
import { noteBlobs, noteDigest, repositoriesWith } from './whence.ts';

export interface PushOptions {
  readonly onEvent?: OnTransfer | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Patience | undefined;
}

export interface Pushed {
  readonly tag: string;
  readonly digest: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
}

/** As many as docker's `max-concurrent-uploads`. */
const UPLOADS = 5;

/**
 * Sends images to their registry, under their own names: blobs first, each only where the repository
 * does not have it, the manifest at last, so that a push that fails leaves the tag as it was.
 *
 * @param names of one repository, each with its tag
 * @throws {ClocheError} `IMAGE_NOT_FOUND`, `REFERENCE_INVALID`, `BLOB_MISSING`, `REGISTRY_…`; the
 *   signal's reason
 */
export async function pushImages(
  store: Store,
  names: readonly [Reference, ...Reference[]],
  options: PushOptions = {},
): Promise<Pushed[]> {
  const [{ domain, path }] = names;
  const push = () => pushAll(store, names, options);
  return whileWorking(store.db, `push ${canonical({ domain, path })}`, push, options);
}

async function pushAll(
  store: Store,
  names: readonly [Reference, ...Reference[]],
  options: PushOptions,
): Promise<Pushed[]> {
  const { onEvent = () => undefined } = options;
  const all = names.map((name) => outgoing(store, name));
  const [{ domain, path }] = names;
  onEvent({ status: `The push refers to repository [${canonical({ domain, path })}]` });
  const hands = crew(options.signal);
  const session = await pushSession(names[0], options, hands);
  const pushed: Pushed[] = [];
  for (const one of all) {
    pushed.push(await pushOne({ store, session, onEvent, crew: hands }, one));
    noteDigest(store, one.name, one.digest, one.digest);
  }
  return pushed;
}

/**
 * Sends a manifest and its blobs, which are in the store, under a name; it need not be an image there.
 *
 * @throws as `pushImages`
 */
export async function pushManifest(
  store: Store,
  name: Reference,
  { bytes, digest }: OutgoingManifest,
  options: PushOptions = {},
): Promise<void> {
  const manifest = JSON.parse(Buffer.from(bytes).toString('utf8')) as Manifest;
  const hands = crew(options.signal);
  const session = await pushSession(name, options, hands);
  const way = { store, session, onEvent: options.onEvent ?? (() => undefined), crew: hands };
  const ids = manifest.layers.map((layer) => shortId(layer.digest));
  await pushOne(way, { name, tag: name.tag ?? 'latest', digest, bytes, manifest, ids });
}

async function pushSession(
  { domain }: Reference,
  { patience }: PushOptions,
  { signal }: Crew,
): Promise<Session> {
  const credentials = await findCredentials(domain);
  const about = { credentials, patience, signal, action: 'push' } as const;
  return openSession(ownEndpoint(domain), about);
}

/** The tags that the store has of a repository. @throws {ClocheError} `IMAGE_NOT_FOUND` */
export function localTags(store: Store, { domain, path }: Reference): [Reference, ...Reference[]] {
  const [first, ...others] = listImages(store)
    .flatMap(({ tags }) => tags.map((tag) => withTag(parseReference(tag))))
    .filter((one) => one.domain === domain && one.path === path && one.digest === undefined);
  if (first === undefined) throw absent(familiar({ domain, path }));
  return [first, ...others];
}

interface Outgoing extends OutgoingManifest {
  readonly name: Reference;
  readonly tag: string;
  readonly manifest: Manifest;
  /** Short names of the layers, lowest first. */
  readonly ids: readonly string[];
}

/** All that can be wrong here is found before anything is sent. */
function outgoing(store: Store, name: Reference): Outgoing {
  if (name.digest !== undefined)
    throw new ClocheError('REFERENCE_INVALID', 'cannot push a digest reference', {
      class: 'invalid-argument',
      hint: 'Give the image a name with a tag: cloche tag.',
    });
  const image = findImage(store, familiar(name));
  if (image === undefined) throw absent(familiar(name));
  const bytes = readFileSync(blobPath(store, image.manifest));
  const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
  const gone = manifest.layers.find(({ digest }) => !existsSync(blobPath(store, digest)));
  if (gone !== undefined)
    throw new ClocheError('BLOB_MISSING', `blob '${gone.digest}' is not in '${store.root}'`, {
      hint: 'Something other than cloche removed it; pull or build the image again.',
      details: { digest: gone.digest },
    });
  const ids = configOf(store, image).rootfs.diff_ids.map(shortId);
  return { name, tag: name.tag ?? 'latest', digest: image.manifest, bytes, manifest, ids };
}

interface Way {
  readonly store: Store;
  readonly session: Session;
  readonly onEvent: OnTransfer;
  readonly crew: Crew;
}

async function pushOne(way: Way, { name, tag, digest, bytes, manifest, ids }: Outgoing) {
  const { store, session, onEvent } = way;
  const parts = new Map<Digest, { blob: Descriptor; id: string | undefined }>();
  manifest.layers.forEach((blob, i) => {
    parts.set(blob.digest, { blob, id: ids[i] });
  });
  for (const { id } of parts.values()) if (id !== undefined) onEvent({ id, status: 'Preparing' });
  parts.set(manifest.config.digest, { blob: manifest.config, id: undefined });
  const blobs = [...parts.values()];
  for (const { id } of blobs.slice(UPLOADS))
    if (id !== undefined) onEvent({ id, status: 'Waiting' });
  await way.crew.each(UPLOADS, blobs, ({ blob, id }) => pushBlob(way, name, blob, id));
  await putManifest(session, name, tag, { bytes, mediaType: manifest.mediaType });
  noteBlobs(store, name, manifest.layers);
  const size = bytes.length;
  onEvent({ status: `${tag}: digest: ${digest} size: ${size}` });
  return { tag, digest, size };
}

async function pushBlob(way: Way, name: Reference, blob: Descriptor, id: string | undefined) {
  const { store, session, onEvent } = way;
  const say = (status: string, current?: number) => {
    if (id === undefined) return;
    const progress = current === undefined ? {} : { progressDetail: { current, total: blob.size } };
    onEvent({ id, status, ...progress });
  };
  const elsewhere = repositoriesWith(store, blob.digest, name);
  const onBytes = (sent: number) => say('Pushing', sent);
  const path = blobPath(store, blob.digest);
  const push = { blob, path, elsewhere, onBytes };
  const uploaded = await uploadBlob(session, name, push).catch((error: unknown) => {
    // A registry that finds another digest has been sent what something else wrote into our file.
    if (error instanceof ClocheError && error.details.status === 400)
      verifyBlob(store, blob.digest);
    throw error;
  });
  say(wordOf(uploaded));
}

function wordOf(uploaded: Uploaded): string {
  if (uploaded.kind === 'mounted') return `Mounted from ${uploaded.from}`;
  return uploaded.kind === 'present' ? 'Layer already exists' : 'Pushed';
}

function absent(name: string): ClocheError {
  return new ClocheError(
    'IMAGE_NOT_FOUND',
    `an image does not exist locally with the tag: ${name}`,
    { class: 'not-found', hint: 'cloche images lists what there is; cloche tag gives names.' },
  );
}
