import { readFileSync } from 'node:fs';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { getImage } from '../../src/image/images.ts';
import { type Manifest, MEDIA } from '../../src/image/manifest.ts';
import { blobPath, readJson, type Store } from '../../src/image/store.ts';

/**
 * What a registry does instead of what it should; nothing returned means that it behaves. `count`
 * counts the requests of this method and path from 1.
 */
export type Mischief = (
  request: Request,
  url: URL,
  count: number,
) => Response | Promise<Response> | undefined;

/** A registry of our own, which serves one image and takes blobs, and can be told to misbehave. */
export interface HostileRegistry {
  /** `127.0.0.1:40123` */
  readonly address: string;
  /** `GET /v2/x/manifests/1`, with ` Range` behind it where there was one. */
  readonly asked: readonly string[];
  /** From now on this is asked before anything is answered. */
  misbehave(mischief: Mischief): void;
  behave(): void;
  /** Bytes of blobs that were pushed, by digest. */
  readonly taken: ReadonlyMap<string, Uint8Array>;
  stop(): void;
}

/** Starts it with an image of the store, under whatever name it is asked for. */
export function startHostile(store: Store, image: string): HostileRegistry {
  const { manifest } = getImage(store, image);
  const bytes = readFileSync(blobPath(store, manifest));
  const { config, layers } = readJson<Manifest>(store, manifest);
  const blobs = new Map(
    [config, ...layers].map(({ digest }) => [digest, readFileSync(blobPath(store, digest))]),
  );
  const asked: string[] = [];
  const taken = new Map<string, Uint8Array>();
  const uploads = new Map<string, Uint8Array>();
  const counts = new Map<string, number>();
  let mischief: Mischief = () => undefined;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      const line = `${request.method} ${url.pathname}`;
      asked.push(`${line}${request.headers.has('range') ? ' Range' : ''}`);
      const count = (counts.get(line) ?? 0) + 1;
      counts.set(line, count);
      return (await mischief(request, url, count)) ?? proper(request, url);
    },
  });
  const misbehave = (next: Mischief) => {
    mischief = next;
    counts.clear();
  };
  async function proper(request: Request, url: URL): Promise<Response> {
    const [, kind, rest = ''] = /^\/v2\/.*\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') return Response.json({});
    if (kind === 'blobs' && rest.startsWith('uploads/')) return upload(request, url);
    if (kind === 'manifests' && request.method === 'PUT')
      return new Response(null, { status: 201 });
    if (kind === 'manifests') return manifestOf(bytes);
    const blob = blobs.get(rest as Digest);
    if (blob === undefined || request.method === 'HEAD') return new Response(null, { status: 404 });
    return ranged(request, blob);
  }
  /** distribution-spec, "Pushing a blob in chunks". */
  async function upload(request: Request, url: URL): Promise<Response> {
    const { method } = request;
    const id = method === 'POST' ? crypto.randomUUID() : (url.pathname.split('/').pop() ?? '');
    const before = uploads.get(id) ?? new Uint8Array();
    const location = url.pathname.replace(/uploads\/.*/, `uploads/${id}`);
    const chunk =
      method === 'PATCH' || method === 'PUT'
        ? await received(request)
        : { bytes: new Uint8Array() };
    const all = Buffer.concat([before, chunk.bytes]);
    uploads.set(id, all);
    const headers = { location, range: `0-${all.length - 1}` };
    if (method === 'GET') return new Response(null, { status: 204, headers });
    if (method !== 'PUT') return new Response(null, { status: 202, headers });
    const digest = url.searchParams.get('digest') ?? '';
    if (digestOf(all) !== digest) return new Response(null, { status: 400 });
    taken.set(digest, all);
    return new Response(null, { status: 201, headers });
  }
  return {
    ...{ address: `127.0.0.1:${server.port}`, asked, taken, misbehave },
    behave: () => misbehave(() => undefined),
    stop: () => server.stop(true),
  };
}

/** A manifest as registries send it. */
export function manifestOf(bytes: Uint8Array, headers: Record<string, string> = {}): Response {
  const digest = digestOf(bytes);
  return new Response(bytes, {
    headers: { 'content-type': MEDIA.manifest, 'docker-content-digest': digest, ...headers },
  });
}

function ranged(request: Request, blob: Uint8Array): Response {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.get('range') ?? '')?.[1] ?? -1);
  if (from < 0) return new Response(blob);
  const headers = { 'content-range': `bytes ${from}-${blob.length - 1}/${blob.length}` };
  return new Response(blob.subarray(from), { status: 206, headers });
}

/** What of a body came before the connection broke, if it did. */
async function received(request: Request): Promise<{ bytes: Uint8Array }> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of request.body ?? []) parts.push(part);
  } catch {
    // The rest never comes.
  }
  return { bytes: Buffer.concat(parts) };
}
