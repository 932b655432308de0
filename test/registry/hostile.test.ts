import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../src/image/digest.ts';
import { getImage, tagImage } from '../../src/image/images.ts';
import type { Manifest } from '../../src/image/manifest.ts';
import { parseReference } from '../../src/image/reference.ts';
import { PATIENCE } from '../../src/image/registry/patience.ts';
import { pullImage } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { blobPath, readJson, type Store } from '../../src/image/store.ts';
import { temporaryStore } from '../../src/image/testing.ts';
import { type HostileRegistry, type Mischief, manifestOf, startHostile } from './hostile.ts';
import { imageOfLayers } from './images.ts';
import { breakingProxy } from './proxy.ts';

const source = temporaryStore();
/** Milliseconds; the real ones are longer. */
const patience = { ...PATIENCE, pause: 5, answer: 400, silence: 400, retryAfter: 1000 };
let registry: HostileRegistry;
let manifest: Buffer;
let layers: Manifest['layers'];

beforeAll(async () => {
  await imageOfLayers(source.store, 'image:1', 2, 300_000);
  registry = startHostile(source.store, 'image:1');
  const { manifest: digest } = getImage(source.store, 'image:1');
  manifest = readFileSync(blobPath(source.store, digest));
  layers = readJson<Manifest>(source.store, digest).layers;
});

beforeEach(() => registry.behave());

afterAll(() => {
  registry.stop();
  source.remove();
});

const name = () => parseReference(`${registry.address}/x/y:1`);
const layer = (n: number) => `/v2/x/y/blobs/${layers[n]?.digest}`;
const blobOf = (n: number) =>
  readFileSync(blobPath(source.store, layers[n]?.digest ?? getImage(source.store, 'image:1').id));

/** Nothing but what a store is born with, and layers that arrived whole: no image, no name, no half. */
function expectIntact(store: Store): void {
  for (const table of ['images', 'tags', 'active', 'work', 'digests'])
    expect([table, store.db.query(`SELECT * FROM ${table}`).all()]).toEqual([table, []]);
  expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
  for (const hex of readdirSync(join(store.root, 'blobs/sha256')))
    expect(digestOf(readFileSync(join(store.root, 'blobs/sha256', hex)))).toEndWith(hex);
  const chains = store.db.query<{ n: number }, []>('SELECT count(*) AS n FROM snapshots').get()?.n;
  expect(readdirSync(join(store.root, 'snapshots'))).toHaveLength(chains ?? -1);
}

const page = (status = 200) =>
  new Response('<!doctype html><h1>Welcome to the hotel</h1>', {
    status,
    headers: { 'content-type': 'text/html' },
  });

/** A body that stops after these bytes, without an end. */
const stopping = (bytes: Uint8Array) =>
  new Response(new ReadableStream({ start: (body) => body.enqueue(bytes) }));

/** A body that ends after these bytes, without having said how many they are. */
const ending = (bytes: Uint8Array) =>
  new Response(
    new ReadableStream({
      start: (body) => body.enqueue(bytes),
      pull: async (body) => {
        // Bun would count a stream that has ended already.
        await Bun.sleep(5);
        body.close();
      },
    }),
  );

const moved = (location: string) => new Response(null, { status: 307, headers: { location } });
const failing = (status: number, headers = {}) =>
  Response.json(
    { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] },
    { status, headers },
  );
const isManifest = ({ pathname }: URL) => pathname.includes('/manifests/');

/** One mischief each, and the error that it must become. */
const MISCHIEF: [string, Mischief, Record<string, unknown>][] = [
  [
    'never answers',
    (_, url) => (isManifest(url) ? new Promise<Response>(() => undefined) : undefined),
    { code: 'REGISTRY_STALLED', message: expect.stringContaining('did not answer within 0.4 s') },
  ],
  [
    'stalls in the middle of a blob each time',
    (_, { pathname }) => (pathname === layer(0) ? stopping(blobOf(0).subarray(0, 10)) : undefined),
    { code: 'REGISTRY_STALLED', message: expect.stringContaining('sent nothing more for 0.4 s') },
  ],
  [
    'ends a blob too early each time',
    (_, { pathname }) => (pathname === layer(0) ? ending(new Uint8Array(1)) : undefined),
    { code: 'REGISTRY_UNREACHABLE', message: expect.stringMatching(/ended blob '.*' after 1 of/) },
  ],
  [
    'sends more than a blob has',
    (_, { pathname }) =>
      pathname === layer(0) ? ending(Buffer.concat([blobOf(0), Buffer.from('more')])) : undefined,
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'lies about the length of a blob',
    (_, { pathname }) => (pathname === layer(0) ? new Response(blobOf(0).subarray(9)) : undefined),
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'sends other bytes as a blob',
    (_, { pathname }) =>
      pathname === layer(1) ? new Response(blobOf(1).map((byte) => byte ^ 1)) : undefined,
    { code: 'BLOB_DIGEST_MISMATCH' },
  ],
  [
    'sends another config',
    (_, { pathname }) =>
      pathname.includes(getImage(source.store, 'image:1').id)
        ? new Response('{"os":"other"}')
        : undefined,
    { code: 'BLOB_SIZE_MISMATCH' },
  ],
  [
    'names another digest than that of its manifest',
    (_, url) =>
      isManifest(url)
        ? manifestOf(manifest, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` })
        : undefined,
    { code: 'DIGEST_MISMATCH' },
  ],
  [
    'redirects in a circle',
    (_, url) =>
      isManifest(url)
        ? moved(url.pathname.replace(/1$|2$/, (n) => (n === '1' ? '2' : '1')))
        : undefined,
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('redirects in a circle') },
  ],
  [
    'redirects for ever',
    (_, url) => (isManifest(url) ? moved(`${url.pathname}1`) : undefined),
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('more than 10 times') },
  ],
  [
    'redirects to what is no address',
    (_, url) => (isManifest(url) ? moved('file:///etc/shadow') : undefined),
    { code: 'REGISTRY_REDIRECT', message: expect.stringContaining('no address') },
  ],
  [
    'answers with a web page',
    (_, url) => (isManifest(url) ? page() : undefined),
    { code: 'MANIFEST_INVALID', message: expect.stringContaining('web page') },
  ],
  [
    'is no registry but a web site',
    (_, { pathname }) => (pathname === '/v2/' ? page(404) : undefined),
    { code: 'REGISTRY_INVALID' },
  ],
  [
    'answers 403 with a web page',
    (_, url) => (isManifest(url) ? page(403) : undefined),
    { code: 'REGISTRY_REFUSED', message: expect.stringContaining('web page') },
  ],
  [
    'limits how often it is asked',
    (_, url) => (isManifest(url) ? failing(429, { 'retry-after': '3600' }) : undefined),
    {
      code: 'REGISTRY_RATE_LIMITED',
      message: expect.stringContaining('toomanyrequests: slow down'),
      hint: expect.stringMatching(/Try again in 3600 s.*cloche login/),
    },
  ],
  [
    'limits how often it is asked and does not say for how long',
    (_, url, count) => (isManifest(url) && count === 1 ? failing(429) : undefined),
    { code: 'REGISTRY_RATE_LIMITED', hint: expect.stringContaining('Try again later') },
  ],
  [
    'answers 401 whatever it is told',
    () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
    { code: 'REGISTRY_UNAUTHORIZED' },
  ],
  [
    'answers 401 and offers nothing',
    () => new Response(null, { status: 401 }),
    { code: 'REGISTRY_CHALLENGE_INVALID' },
  ],
  [
    'gives tokens and then takes none of them',
    (_, { pathname, origin }) =>
      pathname === '/token' ? Response.json({ token: 'abc' }) : bearer(`${origin}/token`),
    { code: 'REGISTRY_UNAUTHORIZED' },
  ],
  [
    'has a token server that answers garbage',
    (_, { pathname, origin }) =>
      pathname === '/token' ? new Response('\x00garbage') : bearer(`${origin}/token`),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'has a token server that wants to write headers',
    (_, { pathname, origin }) =>
      pathname === '/token' ? Response.json({ token: 'a\r\nX: y' }) : bearer(`${origin}/token`),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'sends for tokens to what is no address',
    () => bearer('javascript:alert(1)'),
    { code: 'REGISTRY_TOKEN_INVALID' },
  ],
  [
    'fails each time',
    (_, url) => (isManifest(url) ? failing(503) : undefined),
    { code: 'REGISTRY_FAILED', message: expect.stringContaining('503') },
  ],
  [
    'has a manifest of five megabytes',
    (_, url) => (isManifest(url) ? manifestOf(Buffer.alloc(5 << 20, ' ')) : undefined),
    { code: 'REGISTRY_ANSWER_TOO_LARGE' },
  ],
  [
    'has a manifest that does not end',
    (_, url) => (isManifest(url) ? new Response(endless()) : undefined),
    { code: 'REGISTRY_ANSWER_TOO_LARGE' },
  ],
  ...changed('has layers with negative sizes', 'MANIFEST_INVALID', (one) => {
    for (const blob of one.layers) blob.size = -1;
  }),
  ...changed('has a path for a digest', 'MANIFEST_INVALID', (one) => {
    for (const blob of one.layers) blob.digest = '../../../etc/passwd';
  }),
  ...changed('has fewer layers than its config', 'MANIFEST_INVALID', (one) => one.layers.pop()),
  ...changed('has foreign layers', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    for (const blob of one.layers)
      blob.mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  }),
  ...changed('has a chart where an image should be', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    one.config.mediaType = 'application/vnd.cncf.helm.config.v1+json';
  }),
  ...changed('has an image of schema 1', 'MEDIA_TYPE_UNSUPPORTED', (one) => {
    one.mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  }),
  ...changed('swaps the layers', 'DIFF_ID_MISMATCH', (one) => one.layers.reverse()),
];

for (const [does, mischief, error] of MISCHIEF)
  test(`a registry that ${does} is refused in words, and the store stays intact`, async () => {
    registry.misbehave(mischief);
    const { store, remove } = temporaryStore();
    const asked = registry.asked.length;
    await expect(pullImage(store, name(), { patience })).rejects.toMatchObject({
      hint: expect.any(String),
      ...error,
    });
    expect(registry.asked.length - asked).toBeLessThan(20);
    expectIntact(store);
    registry.behave();
    const { image } = await pullImage(store, name(), { patience });
    expect(image.manifest).toBe(getImage(source.store, 'image:1').manifest);
    remove();
  }, 30_000);

/** Faults that pass: the pull must succeed in spite of them. */
const PASSING: [string, Mischief, (asked: readonly string[]) => boolean][] = [
  [
    'stalls once in the middle of a blob',
    (_, { pathname }, count) =>
      pathname === layer(0) && count === 1 ? stopping(blobOf(0).subarray(0, 1000)) : undefined,
    (asked) => asked.includes(`GET ${layer(0)} Range`),
  ],
  [
    'ends a blob too early once',
    (_, { pathname }, count) =>
      pathname === layer(1) && count === 1 ? ending(blobOf(1).subarray(0, 5000)) : undefined,
    (asked) => asked.includes(`GET ${layer(1)} Range`),
  ],
  [
    'ends a blob too early and ignores Range',
    (_, { pathname }, count) => {
      if (pathname !== layer(1)) return undefined;
      return count === 1 ? ending(blobOf(1).subarray(0, 5000)) : new Response(blobOf(1));
    },
    (asked) => asked.filter((line) => line.startsWith(`GET ${layer(1)}`)).length === 2,
  ],
  [
    'answers 503 twice',
    (_, url, count) => (isManifest(url) && count < 3 ? failing(503) : undefined),
    (asked) => asked.filter((line) => line.includes('manifests')).length === 3,
  ],
  [
    'answers 500 for a blob once',
    (_, { pathname }, count) => (pathname === layer(0) && count === 1 ? failing(500) : undefined),
    () => true,
  ],
  [
    'asks for a pause of a second',
    (_, url, count) =>
      isManifest(url) && count === 1 ? failing(429, { 'retry-after': '1' }) : undefined,
    (asked) => asked.filter((line) => line.includes('manifests')).length === 2,
  ],
];

for (const [does, mischief, proof] of PASSING)
  test(`a registry that ${does} is borne with`, async () => {
    registry.misbehave(mischief);
    const { store, remove } = temporaryStore();
    const asked = registry.asked.length;
    const { image } = await pullImage(store, name(), { patience });
    expect(image.manifest).toBe(getImage(source.store, 'image:1').manifest);
    expect(proof(registry.asked.slice(asked))).toBe(true);
    remove();
  }, 30_000);

test('who is sent to another host does not tell it who we are', async () => {
  const seen: (string | null)[] = [];
  const elsewhere = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      seen.push(request.headers.get('authorization'));
      return new Response(blobOf(0));
    },
  });
  registry.misbehave((request, { pathname, origin }) => {
    if (pathname === '/token') return Response.json({ token: 'secret' });
    if (!request.headers.has('authorization')) return bearer(`${origin}/token`);
    return pathname === layer(0) ? moved(`http://127.0.0.1:${elsewhere.port}/blob`) : undefined;
  });
  const { store, remove } = temporaryStore();
  await pullImage(store, name(), { patience });
  expect(seen).toEqual([null]);
  elsewhere.stop(true);
  remove();
});

test('a proxy of the environment is used, but not for the loopback', async () => {
  const { store, remove } = temporaryStore();
  process.env.CLOCHE_INSECURE_REGISTRIES = 'registry.test';
  try {
    process.env.HTTP_PROXY = `http://${registry.address}`;
    const asked = registry.asked.length;
    await pullImage(store, parseReference('registry.test/x/y:1'), { patience });
    expect(registry.asked.slice(asked)).toContain('GET /v2/x/y/manifests/1');
    process.env.HTTP_PROXY = 'http://127.0.0.1:9';
    await pullImage(store, name(), { patience });
  } finally {
    delete process.env.HTTP_PROXY;
    delete process.env.CLOCHE_INSECURE_REGISTRIES;
    remove();
  }
});

test('an interrupted pull ends at once and leaves nothing half done', async () => {
  registry.misbehave((_, { pathname }) =>
    pathname === layer(1) ? stopping(blobOf(1).subarray(0, 1000)) : undefined,
  );
  const { store, remove } = temporaryStore();
  const controller = new AbortController();
  const enough = new Error('enough');
  const began = performance.now();
  setTimeout(() => controller.abort(enough), 200);
  const long = { ...patience, silence: 60_000 };
  const pull = pullImage(store, name(), { patience: long, signal: controller.signal });
  await expect(pull).rejects.toBe(enough);
  expect(performance.now() - began).toBeLessThan(2000);
  expectIntact(store);
  remove();
});

test('an upload that breaks is taken up where the registry says that it is', async () => {
  const image = await imageOfLayers(source.store, 'large:1', 1, 8 << 20);
  const proxy = breakingProxy(registry.address, { cut: 'up', after: 3 << 20, times: 2 });
  const target = `${proxy.address}/x/large:1`;
  tagImage(source.store, 'large:1', target);
  const asked = registry.asked.length;
  await pushImages(source.store, [parseReference(target)], { patience });
  const [large] = readJson<Manifest>(source.store, image.manifest).layers;
  expect(registry.taken.get(large?.digest ?? '')?.length).toBe(large?.size);
  const lines = registry.asked.slice(asked).map((line) => line.split(' ')[0]);
  expect(lines.filter((method) => method === 'PATCH')).toHaveLength(3);
  expect(lines.filter((method) => method === 'POST')).toHaveLength(2);
  proxy.stop();
}, 30_000);

test('a registry that takes nothing more is given up, and the image stays', async () => {
  registry.misbehave((request) =>
    request.method === 'PATCH' ? new Promise<Response>(() => undefined) : undefined,
  );
  const target = `${registry.address}/x/stalled:1`;
  const image = await imageOfLayers(source.store, target, 1, 2 << 20);
  await expect(
    pushImages(source.store, [parseReference(target)], { patience }),
  ).rejects.toMatchObject({ code: 'REGISTRY_STALLED' });
  expect(getImage(source.store, target).id).toBe(image.id);
}, 30_000);

test('a push whose manifest is refused says so', async () => {
  registry.misbehave((request, url) =>
    request.method === 'PUT' && isManifest(url) ? failing(403) : undefined,
  );
  const target = `${registry.address}/x/refused:1`;
  tagImage(source.store, 'image:1', target);
  await expect(
    pushImages(source.store, [parseReference(target)], { patience }),
  ).rejects.toMatchObject({
    code: 'REGISTRY_DENIED',
  });
});

function bearer(realm: string): Response {
  const challenge = `Bearer realm="${realm}",service="x"`;
  return new Response(null, { status: 401, headers: { 'www-authenticate': challenge } });
}

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(1 << 16).fill(32)) });
}

interface Changeable {
  mediaType: string;
  config: { mediaType: string };
  layers: { mediaType: string; digest: string; size: number }[];
}

/** The image's own manifest with something changed in it. */
function changed(
  does: string,
  code: string,
  change: (manifest: Changeable) => unknown,
): typeof MISCHIEF {
  const mischief: Mischief = (_, url) => {
    if (!isManifest(url)) return undefined;
    const document = JSON.parse(manifest.toString()) as Changeable;
    change(document);
    return manifestOf(Buffer.from(JSON.stringify(document)), {
      'content-type': document.mediaType,
    });
  };
  return [[does, mischief, { code }]];
}
