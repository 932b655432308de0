import { ClocheError } from '../../error.ts';
import { type Digest, digestOf } from '../digest.ts';
import type { Platform } from '../manifest.ts';
import { familiar, familiarName, type Reference } from '../reference.ts';
import { ACCEPT, type Document, type ManifestDocument, readDocument } from './documents.ts';
import type { Answer } from './exchange.ts';
import { selectManifest } from './platform.ts';
import type { Session } from './session.ts';

/** Bytes; the limit that the distribution-spec sets to what is pushed. */
export const MANIFEST_LIMIT = 4 << 20;

/** A manifest or an index as it came: the bytes are what the digest is of. */
export interface Fetched {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly document: Document;
}

/** The scope that pulling from a repository needs (distribution, "Token Scope"). */
export function pullScope({ path }: Pick<Reference, 'path'>): string {
  return `repository:${path}:pull`;
}

/** The scope that pushing to it needs. */
export function pushScope({ path }: Pick<Reference, 'path'>): string {
  return `repository:${path}:pull,push`;
}

/**
 * Fetches what a tag or a digest names, an index as it is.
 *
 * @throws {ClocheError} `REGISTRY_NOT_FOUND`, `DIGEST_MISMATCH`, `REGISTRY_ANSWER_TOO_LARGE`; as
 *   `readDocument` and `Session.ask`
 */
export async function fetchManifest(session: Session, name: Reference): Promise<Fetched> {
  const answer = await session.ask({
    method: 'GET',
    path: manifestPath(name, name.digest ?? name.tag ?? 'latest'),
    headers: { Accept: ACCEPT },
    scopes: [pullScope(name)],
    expect: [200],
    wanted: {
      ...{ action: 'pull', name: familiarName(name) },
      what: `manifest for ${familiar(name)}`,
    },
  });
  const bytes = await answer.bytes(MANIFEST_LIMIT);
  const digest = digestOf(bytes);
  verify(answer, digest, name);
  const said = answer.headers.get('content-type')?.split(';')[0]?.trim();
  return { digest, bytes, document: readDocument(bytes, said, familiar(name)) };
}

/** The manifest of one image. */
export interface FetchedImage {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly manifest: ManifestDocument;
}

/** How many indexes may lie in one another. */
const DEPTH = 3;

/**
 * The image of a platform that an index leads to; a manifest is its own.
 *
 * @throws {ClocheError} as `selectManifest` and `fetchManifest`; `MANIFEST_INVALID`
 */
export async function fetchImage(
  session: Session,
  name: Reference,
  top: Fetched,
  platform: Platform,
): Promise<FetchedImage> {
  let fetched = top;
  for (let depth = 0; depth < DEPTH; depth++) {
    const { document } = fetched;
    if (document.kind === 'manifest') return { ...fetched, ...document };
    const { digest } = selectManifest(document.index, platform);
    fetched = await fetchManifest(session, { ...name, tag: undefined, digest });
  }
  throw new ClocheError(
    'MANIFEST_INVALID',
    `'${familiar(name)}' is an index of indexes of indexes`,
    {
      class: 'unavailable',
      hint: 'Nobody needs that; push the image again if it is yours.',
    },
  );
}

/** All tags of a repository, page by page. @throws as `Session.ask`; `REGISTRY_INVALID` */
export async function listTags(session: Session, name: Reference): Promise<string[]> {
  const tags = new Set<string>();
  const scopes = [pullScope(name)];
  const wanted = { action: 'pull', name: familiarName(name) } as const;
  for (let path: string | URL = `/v2/${name.path}/tags/list`; ; ) {
    const answer = await session.ask({ method: 'GET', path, scopes, expect: [200], wanted });
    const before = tags.size;
    for (const tag of readTags(await answer.bytes(MANIFEST_LIMIT), answer.url)) tags.add(tag);
    const next = /<([^>]*)>\s*;\s*rel="?next/i.exec(answer.headers.get('link') ?? '')?.[1];
    // A page without anything new ends a registry that pages for ever.
    if (next === undefined || tags.size === before) return [...tags].sort();
    path = new URL(next, answer.url);
  }
}

/**
 * Pushes a manifest, byte by byte.
 *
 * @param under a tag, or its digest
 * @throws {ClocheError} as `Session.ask`; `DIGEST_MISMATCH`: the registry took it for something else
 */
export async function putManifest(
  session: Session,
  name: Reference,
  under: string,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
): Promise<void> {
  const answer = await session.ask({
    method: 'PUT',
    path: manifestPath(name, under),
    headers: { 'Content-Type': manifest.mediaType },
    body: () => manifest.bytes,
    scopes: [pushScope(name)],
    expect: [201],
    wanted: { action: 'push', name: familiarName(name) },
  });
  answer.discard();
  verify(answer, digestOf(manifest.bytes), name);
}

function manifestPath({ path }: Reference, under: string): string {
  return `/v2/${path}/manifests/${under}`;
}

function verify({ headers, url }: Answer, digest: Digest, name: Reference): void {
  const said = headers.get('docker-content-digest');
  const named = said?.startsWith('sha256:') === true ? said : undefined;
  const wanted = [name.digest, named].find((one) => one !== undefined && one !== digest);
  if (wanted === undefined) return;
  throw new ClocheError(
    'DIGEST_MISMATCH',
    `'${url.host}' gives for '${familiar(name)}' a manifest of digest '${digest}', not '${wanted}'`,
    {
      class: 'unavailable',
      hint: 'Somebody between the registry and here changed it, or the registry is broken. Nothing was kept.',
      details: { digest, wanted },
    },
  );
}

function readTags(bytes: Uint8Array, url: URL): string[] {
  try {
    const { tags } = JSON.parse(new TextDecoder().decode(bytes)) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    if (Array.isArray(tags)) return tags.map(String).filter((tag) => /^\w[\w.-]{0,127}$/.test(tag));
  } catch {
    // Said below.
  }
  throw new ClocheError('REGISTRY_INVALID', `'${url.host}' gives no list of tags`, {
    class: 'unavailable',
    hint: 'Is this the address of a registry?',
  });
}
