import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { getImage, tagImage } from '../../src/image/images.ts';
import type { Manifest } from '../../src/image/manifest.ts';
import { parseReference } from '../../src/image/reference.ts';
import { pullImage, tagsOf } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { readJson } from '../../src/image/store.ts';
import { temporaryStore } from '../../src/image/testing.ts';
import { bearer, ending, failing, isManifest, moved, stopping } from './answers.ts';
import type { Mischief } from './hostile.ts';
import { imageOfLayers } from './images.ts';
import { breakingProxy } from './proxy.ts';
import { expectIntact, patience, type Scene, setScene } from './scene.ts';

/** What a registry may do without a pull or a push failing, and how they end when it may not. */
let scene: Scene;

beforeAll(async () => {
  scene = await setScene();
});

beforeEach(() => scene.registry.behave());

afterAll(() => scene.remove());

/** Faults that pass: the pull must succeed in spite of them. */
const PASSING: [string, Mischief, (asked: readonly string[]) => boolean][] = [
  [
    'stalls once in the middle of a blob',
    (_, { pathname }, count) =>
      pathname === scene.layer(0) && count === 1
        ? stopping(scene.blob(0).subarray(0, 1000))
        : undefined,
    (asked) => asked.includes(`GET ${scene.layer(0)} Range`),
  ],
  [
    'ends a blob too early once',
    (_, { pathname }, count) =>
      pathname === scene.layer(1) && count === 1
        ? ending(scene.blob(1).subarray(0, 5000))
        : undefined,
    (asked) => asked.includes(`GET ${scene.layer(1)} Range`),
  ],
  [
    'ends a blob too early and ignores Range',
    (_, { pathname }, count) => {
      if (pathname !== scene.layer(1)) return undefined;
      return count === 1 ? ending(scene.blob(1).subarray(0, 5000)) : new Response(scene.blob(1));
    },
    (asked) => asked.filter((line) => line.startsWith(`GET ${scene.layer(1)}`)).length === 2,
  ],
  [
    'answers 503 twice',
    (_, url, count) => (isManifest(url) && count < 3 ? failing(503) : undefined),
    (asked) => asked.filter((line) => line.includes('manifests')).length === 3,
  ],
  [
    'answers 500 for a blob once',
    (_, { pathname }, count) =>
      pathname === scene.layer(0) && count === 1 ? failing(500) : undefined,
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
    scene.registry.misbehave(mischief);
    const { store, remove } = temporaryStore();
    const asked = scene.registry.asked.length;
    const said: string[] = [];
    const onEvent = ({ status }: { status: string }) => said.push(status);
    const { image } = await pullImage(store, scene.name, { patience, onEvent });
    expect(image.manifest).toBe(scene.image.manifest);
    expect(said.includes('Retrying in 1 second')).toBe(
      does.includes('blob too') || does.includes('of a blob'),
    );
    expect(proof(scene.registry.asked.slice(asked))).toBe(true);
    remove();
  }, 30_000);

test('who is sent to another host does not tell it who we are', async () => {
  const seen: (string | null)[] = [];
  const elsewhere = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      seen.push(request.headers.get('authorization'));
      return new Response(scene.blob(0));
    },
  });
  scene.registry.misbehave((request, { pathname, origin }) => {
    if (pathname === '/token') return Response.json({ token: 'secret' });
    if (!request.headers.has('authorization')) return bearer(`${origin}/token`);
    return pathname === scene.layer(0)
      ? moved(`http://127.0.0.1:${elsewhere.port}/blob`)
      : undefined;
  });
  const { store, remove } = temporaryStore();
  await pullImage(store, scene.name, { patience });
  expect(seen).toEqual([null]);
  elsewhere.stop(true);
  remove();
});

test('a proxy of the environment is used, but not for the loopback', async () => {
  const { store, remove } = temporaryStore();
  process.env.CLOCHE_INSECURE_REGISTRIES = 'registry.test';
  try {
    process.env.HTTP_PROXY = `http://${scene.registry.address}`;
    const asked = scene.registry.asked.length;
    await pullImage(store, parseReference('registry.test/x/y:1'), { patience });
    expect(scene.registry.asked.slice(asked)).toContain('GET /v2/x/y/manifests/1');
    process.env.HTTP_PROXY = 'http://127.0.0.1:9';
    await pullImage(store, scene.name, { patience });
  } finally {
    delete process.env.HTTP_PROXY;
    delete process.env.CLOCHE_INSECURE_REGISTRIES;
    remove();
  }
});

test('tags are read page by page, and a registry that pages for ever is left', async () => {
  const pages = [['b', 'a'], ['c'], ['c']];
  scene.registry.misbehave((_, { pathname }, count) =>
    pathname.endsWith('/tags/list')
      ? Response.json(
          { tags: pages[count - 1] ?? [] },
          { headers: { link: '<list?last=x>; rel="next"' } },
        )
      : undefined,
  );
  expect(await tagsOf(scene.name, { patience })).toEqual(['a', 'b', 'c']);
});

test('an interrupted pull ends at once and leaves nothing half done', async () => {
  scene.registry.misbehave((_, { pathname }) =>
    pathname === scene.layer(1) ? stopping(scene.blob(1).subarray(0, 1000)) : undefined,
  );
  const { store, remove } = temporaryStore();
  const controller = new AbortController();
  const enough = new Error('enough');
  const began = performance.now();
  setTimeout(() => controller.abort(enough), 200);
  const long = { ...patience, silence: 60_000 };
  const pull = pullImage(store, scene.name, { patience: long, signal: controller.signal });
  await expect(pull).rejects.toBe(enough);
  expect(performance.now() - began).toBeLessThan(2000);
  expectIntact(store);
  remove();
});

test('an upload that breaks is taken up where the registry says that it is', async () => {
  const image = await imageOfLayers(scene.source, 'large:1', 1, 8 << 20);
  const proxy = breakingProxy(scene.registry.address, { cut: 'up', after: 3 << 20, times: 2 });
  const target = `${proxy.address}/x/large:1`;
  tagImage(scene.source, 'large:1', target);
  const asked = scene.registry.asked.length;
  await pushImages(scene.source, [parseReference(target)], { patience });
  const [large] = readJson<Manifest>(scene.source, image.manifest).layers;
  expect(scene.registry.taken.get(large?.digest ?? '')?.length).toBe(large?.size);
  const lines = scene.registry.asked.slice(asked).map((line) => line.split(' ')[0]);
  expect(lines.filter((method) => method === 'PATCH')).toHaveLength(3);
  expect(lines.filter((method) => method === 'POST')).toHaveLength(2);
  proxy.stop();
}, 30_000);

test('a registry that takes nothing more is given up, and the image stays', async () => {
  scene.registry.misbehave((request) =>
    request.method === 'PATCH' ? new Promise<Response>(() => undefined) : undefined,
  );
  const target = `${scene.registry.address}/x/stalled:1`;
  const image = await imageOfLayers(scene.source, target, 1, 2 << 20);
  await expect(
    pushImages(scene.source, [parseReference(target)], { patience }),
  ).rejects.toMatchObject({ code: 'REGISTRY_STALLED' });
  expect(getImage(scene.source, target).id).toBe(image.id);
}, 30_000);

test('a push whose manifest is refused says so', async () => {
  scene.registry.misbehave((request, url) =>
    request.method === 'PUT' && isManifest(url) ? failing(403) : undefined,
  );
  const target = `${scene.registry.address}/x/refused:1`;
  tagImage(scene.source, 'image:1', target);
  await expect(
    pushImages(scene.source, [parseReference(target)], { patience }),
  ).rejects.toMatchObject({
    code: 'REGISTRY_DENIED',
  });
});
