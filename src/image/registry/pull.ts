import { adoptImage } from '../adopt.ts';
import type { Digest } from '../digest.ts';
import { findImage, type Image } from '../images.ts';
import type { Platform } from '../manifest.ts';
import { canonical, familiar, type Reference, withTag } from '../reference.ts';
import type { RemoteImage } from '../remote.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { readBlob } from './blobs.ts';
import { fetchConfig, layersOf, verifyPlatform } from './config.ts';
import { findCredentials } from './credentials.ts';
import { type Endpoint, pullEndpoints } from './endpoint.ts';
import { pullLayers } from './layers.ts';
import { fetchImage, fetchManifest, listTags } from './manifests.ts';
import { crew } from './parallel.ts';
import type { Patience } from './patience.ts';
import { OWN_PLATFORM } from './platform.ts';
import type { OnTransfer } from './progress.ts';
import { openSession, type Session } from './session.ts';
import { noteBlobs, noteDigest } from './whence.ts';

export interface PullOptions {
  /** If it is given, an image that is of another one alone is an error; else it is this machine's. */
  readonly platform?: Platform | undefined;
  /** What the name means here it goes on to mean: the image gets it only if no other has it. */
  readonly keepsName?: boolean | undefined;
  readonly onEvent?: OnTransfer | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly patience?: Patience | undefined;
  /** For the first request to the registry, if it is another one. */
  readonly greeting?: Patience | undefined;
}

export interface Pulled {
  readonly image: Image;
  /** Of what the name means at the registry: often an index over several platforms. */
  readonly digest: Digest;
  /** False if the name meant the same image before. */
  readonly isNew: boolean;
}

/**
 * Brings an image from its registry, or from a mirror of it, into the store. A name without tag and
 * digest means `latest`. Nothing is named before all of it is there and verified; layers that
 * arrived whole before a fault are not asked for again.
 *
 * @throws {ClocheError} `REGISTRY_…`, `MANIFEST_INVALID`, `PLATFORM_NOT_FOUND`, `BLOB_…`; as
 *   `unpackLayer`; the signal's reason
 */
export async function pullImage(
  store: Store,
  reference: Reference,
  options: PullOptions = {},
): Promise<Pulled> {
  const name = withTag(reference);
  const pull = () =>
    fromFirst(name, options.signal, (endpoint) => pullFrom(store, name, endpoint, options));
  const onWait = () => options.onEvent?.({ status: 'Waiting for another pull of the same image' });
  return whileWorking(store.db, `pull ${canonical(name)}`, pull, { ...options, onWait });
}

/**
 * The documents of an image at its registry, and nothing of it brought here; its layers are read when
 * they are asked for.
 *
 * @throws as `pullImage`
 */
export async function openRemote(
  store: Store,
  reference: Reference,
  options: PullOptions = {},
): Promise<RemoteImage> {
  const name = withTag(reference);
  return fromFirst(name, options.signal, async (endpoint) => {
    const session = await sessionFor(endpoint, options.signal, options);
    const top = await fetchManifest(session, name);
    const { manifest } = await fetchImage(session, name, top, options.platform ?? OWN_PLATFORM);
    const config = await fetchConfig(store, session, name, manifest.config);
    return { manifest, config: config.bytes, read: (blob) => readBlob(session, name, blob) };
  });
}

/** The tags that a repository has. @throws as `Session.ask` */
export async function tagsOf(name: Reference, options: PullOptions = {}): Promise<string[]> {
  const { signal } = options;
  return fromFirst(name, signal, async (endpoint) =>
    listTags(await sessionFor(endpoint, signal, options), name),
  );
}

/** Mirrors may fail for whatever reason: then the next one is asked, at last the registry itself. */
async function fromFirst<T>(
  { domain }: Reference,
  signal: AbortSignal | undefined,
  action: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  for (const endpoint of pullEndpoints(domain)) {
    try {
      return await action(endpoint);
    } catch (error) {
      if (!endpoint.isMirror || signal?.aborted === true) throw error;
    }
  }
  throw new Error('the registry itself is always among the endpoints');
}

async function sessionFor(
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
  { patience, greeting }: PullOptions,
): Promise<Session> {
  const credentials = await findCredentials(endpoint.domain);
  return openSession(endpoint, { credentials, patience, greeting, signal, action: 'pull' });
}

async function pullFrom(
  store: Store,
  name: Reference,
  endpoint: Endpoint,
  options: PullOptions,
): Promise<Pulled> {
  const { onEvent = () => undefined, platform } = options;
  // One for each endpoint: what fails at a mirror must not stop the next one.
  const hands = crew(options.signal);
  const session = await sessionFor(endpoint, hands.signal, options);
  const top = await fetchManifest(session, name);
  onEvent({ id: name.tag ?? canonical(name), status: `Pulling from ${name.path}` });
  const chosen = await fetchImage(session, name, top, platform ?? OWN_PLATFORM);
  const config = await fetchConfig(store, session, name, chosen.manifest.config);
  if (platform !== undefined) verifyPlatform(name, config, platform);
  const before = findImage(store, familiar(name))?.manifest;
  const keeps = name.digest !== undefined || (options.keepsName === true && before !== undefined);
  const source = { store, session, name, onEvent, crew: hands };
  await pullLayers(source, layersOf(name, chosen.manifest, config));
  const documents = { manifest: chosen.bytes, mediaType: chosen.mediaType, config: config.bytes };
  const image = adoptImage(store, documents, keeps ? [] : [name]);
  noteDigest(store, name, top.digest, image.manifest);
  noteBlobs(store, name, chosen.manifest.layers);
  return { image, digest: top.digest, isNew: before !== image.manifest };
}
