import { createReadStream } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { familiarName, type Reference } from '../reference.ts';
import type { Pointer } from './documents.ts';
import type { Answer } from './exchange.ts';
import { isTransient } from './failures.ts';
import { pullScope, pushScope } from './manifests.ts';
import { pauseAfter, sleep } from './patience.ts';
import type { Question, Session } from './session.ts';

/** How a blob came to be in the repository. */
export type Uploaded =
  | { readonly kind: 'present' }
  | { readonly kind: 'mounted'; readonly from: string }
  | { readonly kind: 'sent' };

export interface BlobToPush {
  readonly blob: Pointer;
  /** Where its file is. */
  readonly path: string;
  /** Paths of repositories of the same registry that may have it. */
  readonly elsewhere: readonly string[];
  /** Bytes that the registry has so far. */
  readonly onBytes: (sent: number) => void;
}

/** Bytes up to which a blob goes in one request; a larger one can be taken up where it broke. */
const SINGLE = 1 << 20;

/**
 * Makes a repository have a blob: it may have it already; another repository of the registry may lend
 * it; else it is sent (distribution-spec, "Pushing Blobs").
 *
 * @throws {ClocheError} as `Session.ask`
 */
export async function uploadBlob(
  session: Session,
  name: Reference,
  push: BlobToPush,
): Promise<Uploaded> {
  const to = { session, name };
  if (await isPresent(to, push.blob)) return { kind: 'present' };
  for (const from of push.elsewhere)
    if (await mount(to, push.blob, from)) return { kind: 'mounted', from };
  if (push.blob.size <= SINGLE) await sendWhole(to, push);
  else await sendInParts(to, push);
  push.onBytes(push.blob.size);
  return { kind: 'sent' };
}

interface Target {
  readonly session: Session;
  readonly name: Reference;
}

function ask(
  { session, name }: Target,
  question: Pick<Question, 'method' | 'path' | 'expect'> & Partial<Question>,
) {
  const wanted = { action: 'push', name: familiarName(name) } as const;
  return session.ask({ scopes: [pushScope(name)], wanted, ...question });
}

async function isPresent(to: Target, { digest }: Pointer): Promise<boolean> {
  const path = `/v2/${to.name.path}/blobs/${digest}`;
  const answer = await ask(to, { method: 'HEAD', path, expect: [200, 404] });
  answer.discard();
  return answer.status === 200;
}

/** A registry that does not lend says so by beginning an upload, or by not letting us see the other. */
async function mount(to: Target, { digest }: Pointer, from: string): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  const answer = await ask(to, {
    method: 'POST',
    path: `/v2/${to.name.path}/blobs/uploads/?${query}`,
    scopes: [pushScope(to.name), pullScope({ path: from })],
    expect: [201, 202, 401, 403, 404],
  });
  answer.discard();
  if (answer.status === 202) await cancel(to, locationOf(answer));
  return answer.status === 201;
}

async function cancel(to: Target, path: URL): Promise<void> {
  const expect = [200, 202, 204, 404, 405];
  (await ask(to, { method: 'DELETE', path, expect }).catch(() => undefined))?.discard();
}

async function begin(to: Target): Promise<URL> {
  const path = `/v2/${to.name.path}/blobs/uploads/`;
  const answer = await ask(to, { method: 'POST', path, expect: [202] });
  answer.discard();
  return locationOf(answer);
}

/** The whole in one PUT. It is small, so after a fault it goes once more. */
async function sendWhole(to: Target, { blob, path }: BlobToPush): Promise<void> {
  await persisting(to, async () => {
    const body = () => createReadStream(path);
    const headers = { 'Content-Length': String(blob.size), ...BYTES };
    await finish(to, await begin(to), blob, { body, headers });
  });
}

/** PATCH from where the registry is, as often as the way breaks; an empty PUT ends it. */
async function sendInParts(to: Target, push: BlobToPush): Promise<void> {
  const { size } = push.blob;
  let upload: { location: URL; at: number } | undefined;
  await persisting(to, async (isRepeated) => {
    if (isRepeated && upload !== undefined) upload = await progressOf(to, upload.location);
    upload ??= { location: await begin(to), at: 0 };
    if (upload.at < size) upload = { location: await patch(to, push, upload), at: size };
    await finish(to, upload.location, push.blob, { headers: { 'Content-Length': '0' } });
  });
}

async function patch(to: Target, push: BlobToPush, upload: { location: URL; at: number }) {
  const { blob, path, onBytes } = push;
  const { location, at } = upload;
  async function* body() {
    let sent = at;
    for await (const piece of createReadStream(path, { start: at, highWaterMark: PIECE })) {
      yield piece as Uint8Array;
      sent += (piece as Uint8Array).length;
      onBytes(sent);
    }
  }
  const headers = {
    ...BYTES,
    'Content-Length': String(blob.size - at),
    // The whole in one stream, as docker sends it, is taken by registries that limit ranges.
    ...(at === 0 ? {} : { 'Content-Range': `${at}-${blob.size - 1}` }),
  };
  const question = { method: 'PATCH', path: location, headers, body, once: true } as const;
  const answer = await ask(to, { ...question, expect: [201, 202, 204] });
  answer.discard();
  return locationOf(answer);
}

/** How far an interrupted upload has come; undefined if the registry has forgotten it. */
async function progressOf(to: Target, path: URL) {
  const answer = await ask(to, { method: 'GET', path, expect: [204, 404] });
  answer.discard();
  if (answer.status === 404) return undefined;
  const last = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1];
  // `0-0` is said for one byte and for none; then it is begun again.
  if (last === undefined || last === '0') return undefined;
  return { location: locationOf(answer), at: Number(last) + 1 };
}

async function finish(
  to: Target,
  location: URL,
  { digest }: Pointer,
  question: Pick<Question, 'headers' | 'body'>,
): Promise<void> {
  const path = new URL(location);
  path.searchParams.set('digest', digest);
  const put = { ...question, method: 'PUT', path, expect: [201, 204], once: true } as const;
  (await ask(to, { ...put, slow: true })).discard();
}

/** Again, with growing pauses, while it is the way or the server that fails. */
async function persisting(to: Target, action: (isRepeated: boolean) => Promise<void>) {
  const { patience, signal } = to.session;
  for (let attempt = 1; ; attempt++) {
    try {
      return await action(attempt > 1);
    } catch (error) {
      if (attempt >= patience.attempts || !isRepairable(error)) throw error;
      await sleep(pauseAfter(patience, attempt), signal);
    }
  }
}

/** 416: the registry has more or less of it than we think, and is asked. */
function isRepairable(error: unknown): boolean {
  return isTransient(error) || (error instanceof ClocheError && error.details.status === 416);
}

const BYTES = { 'Content-Type': 'application/octet-stream' } as const;
/** Bytes read and sent at once. */
const PIECE = 1 << 18;

function locationOf({ headers, url }: Answer): URL {
  const location = headers.get('location') ?? '';
  if (location !== '' && URL.canParse(location, url.href)) {
    const next = new URL(location, url.href);
    // A registry behind something that ends TLS for it often does not know that it has TLS.
    if (next.host === url.host) next.protocol = url.protocol;
    return next;
  }
  throw new ClocheError('REGISTRY_INVALID', `'${url.host}' does not say where to send a blob`, {
    class: 'unavailable',
    hint: 'Is this the address of a registry, and may one push to it?',
    details: { url: url.href, location },
  });
}
