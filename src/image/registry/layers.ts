import { existsSync, rmSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { type ChainId, chainOf, type DiffId, type Digest } from '../digest.ts';
import { unpackLayer } from '../layer/unpack.ts';
import type { Reference } from '../reference.ts';
import { hasSnapshot } from '../snapshots.ts';
import { blobPath, type Store } from '../store.ts';
import { type Arrival, arrive } from './arrival.ts';
import { readBlob } from './blobs.ts';
import type { Pointer } from './documents.ts';
import type { Crew } from './parallel.ts';
import { type OnTransfer, shortId } from './progress.ts';
import type { Session } from './session.ts';

/** As many as docker's `max-concurrent-downloads`. */
const DOWNLOADS = 3;
/** Bytes between two words about a layer's progress. */
const STRIDE = 1 << 19;

export interface LayerToPull {
  readonly blob: Pointer;
  readonly diffId: DiffId;
}

export interface Source {
  readonly store: Store;
  readonly session: Session;
  readonly name: Reference;
  readonly onEvent: OnTransfer;
  /** Whose signal is the session's. */
  readonly crew: Crew;
}

/**
 * Downloads the layers of an image and unpacks them, lowest first: several arrive at once, and each
 * is unpacked while it arrives as soon as its parent stands. Must run within `whileWorking`.
 *
 * @throws {ClocheError} as `readBlob` and `unpackLayer`; the first fault ends all of it, and what
 *   arrived whole stays for the next attempt
 */
export async function pullLayers(source: Source, layers: readonly LayerToPull[]): Promise<void> {
  source.crew.signal.throwIfAborted();
  const wanted = missing(source, layers);
  const blobs = new Map(wanted.map((place) => [place.blob.digest, place]));
  const awaited = [...blobs.values()].filter(({ blob }) => !isStored(source, blob));
  const arrivals = new Map(
    awaited.map(({ blob }) => [blob.digest, Promise.withResolvers<Arrival>()]),
  );
  for (const { id } of awaited.slice(DOWNLOADS)) source.onEvent({ id, status: 'Waiting' });
  const { crew } = source;
  crew.signal.addEventListener('abort', () => {
    for (const arrival of arrivals.values()) arrival.reject(crew.signal.reason);
  });
  for (const { promise } of arrivals.values()) promise.catch(() => undefined);
  const downloading = crew.each(DOWNLOADS, awaited, async (place) => {
    const arrival = download(source, place);
    arrivals.get(place.blob.digest)?.resolve(arrival);
    await arrival.done;
  });
  await crew.all(downloading, unpackAll(source, wanted, arrivals));
}

interface Place extends LayerToPull {
  readonly id: string;
  readonly parent: ChainId | undefined;
}

/** The layers that are to be made, each with what it stands on. */
function missing({ store, onEvent }: Source, layers: readonly LayerToPull[]): Place[] {
  const places: Place[] = [];
  let parent: ChainId | undefined;
  for (const layer of layers) {
    const place = { ...layer, id: shortId(layer.blob.digest), parent };
    parent = chainOf(parent, layer.diffId);
    const isThere = hasSnapshot(store, parent) && existsSync(blobPath(store, layer.blob.digest));
    onEvent({ id: place.id, status: isThere ? 'Already exists' : 'Pulling fs layer' });
    if (!isThere) places.push(place);
  }
  return places;
}

function download({ store, session, name, onEvent }: Source, { blob, id }: Place): Arrival {
  const { size: total } = blob;
  const say = every(STRIDE, (current) =>
    onEvent({ id, status: 'Downloading', progressDetail: { current, total } }),
  );
  const onPause = (pause: number) => {
    const seconds = Math.ceil(pause / 1000);
    onEvent({ id, status: `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}` });
  };
  const arrival = arrive(store, blob, readBlob(session, name, blob, onPause), say);
  arrival.done.then(
    () => onEvent({ id, status: 'Download complete' }),
    () => undefined,
  );
  return arrival;
}

type Arrivals = ReadonlyMap<Digest, PromiseWithResolvers<Arrival>>;

async function unpackAll(source: Source, places: readonly Place[], arrivals: Arrivals) {
  const { store, crew, onEvent } = source;
  for (const { id, blob, diffId, parent } of places) {
    const arrival = isStored(source, blob) ? undefined : await arrivals.get(blob.digest)?.promise;
    const body = arrival?.read() ?? Bun.file(blobPath(store, blob.digest)).stream();
    const total = blob.size;
    // As long as it arrives, that is what is worth saying.
    const onProgress = every(STRIDE, (current) => {
      if (isStored(source, blob))
        onEvent({ id, status: 'Extracting', progressDetail: { current, total } });
    });
    const about = { onProgress, signal: crew.signal, isStored: true };
    const layer = { descriptor: blob, diffId };
    await unpackLayer(store, parent, layer, body, about).catch((error: unknown) => {
      if (arrival === undefined && isDamage(error)) rmSync(blobPath(store, blob.digest));
      throw error;
    });
    onEvent({ id, status: 'Pull complete' });
  }
}

/** Of a blob that lay in the store: without it the next attempt fetches it anew. */
function isDamage(error: unknown): boolean {
  const codes = ['DIGEST_MISMATCH', 'SIZE_MISMATCH'];
  return error instanceof ClocheError && codes.includes(error.code);
}

function isStored({ store }: Source, { digest }: Pointer): boolean {
  return existsSync(blobPath(store, digest));
}

/** Passes on the first of a growing number, and then one for each stride. */
function every(stride: number, say: (count: number) => void): (count: number) => void {
  let next = 0;
  return (count) => {
    if (count < next) return;
    next = count + stride;
    say(count);
  };
}
