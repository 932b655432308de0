import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readCacheFrom, readCacheTo } from '../../src/build/shared-cache/index.ts';
import { openWorkshop, type Workshop } from '../../src/build/testing.ts';
import { getImage, tagImage } from '../../src/image/index.ts';
import { parseReference } from '../../src/image/reference.ts';
import { tagsOf } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { writeFiles } from '../../src/image/testing.ts';
import { cloche } from '../cli.ts';
import { startRegistry, type TestRegistry } from './registry.ts';

/** Build caches of two machines that share a registry. */
let registry: TestRegistry;
const shops: Workshop[] = [];

beforeAll(async () => {
  registry = await startRegistry();
}, 120_000);

afterAll(async () => {
  await registry.stop();
  for (const shop of shops) shop.remove();
});

async function machine(): Promise<Workshop> {
  const shop = await openWorkshop();
  shops.push(shop);
  return shop;
}

const STAGES = `FROM scratch AS build
COPY a /
RUN write made by hand
FROM scratch
COPY --from=build made /final
RUN write last of all
`;
const FILES = { a: 'source' };

test('a cache of its own beside the image, with all stages', async () => {
  const [one, other] = [await machine(), await machine()];
  const ref = `${registry.address}/app/cache:main`;
  const cacheTo = [readCacheTo(`type=registry,ref=${ref},mode=max`)];
  const built = await one.build(STAGES, FILES, { cacheTo });
  const again = await other.build(STAGES, FILES, { cacheFrom: [readCacheFrom(ref)] });
  expect([one.ran.length, other.ran.length]).toEqual([2, 0]);
  expect(again.config.rootfs).toEqual(built.config.rootfs);
  expect(again.file('last')).toBe('of all');
});

test('the cache that an image carries has its own steps', async () => {
  const [one, other] = [await machine(), await machine()];
  const name = `${registry.address}/app/image:1`;
  const built = await one.build(STAGES, FILES, { cacheTo: [readCacheTo('inline')] });
  tagImage(one.store, built.id, name);
  await pushImages(one.store, [parseReference(name)]);
  await other.build(STAGES, FILES, { cacheFrom: [readCacheFrom(`type=registry,ref=${name}`)] });
  // What the first stage did is in no layer of the image.
  expect(other.ran.map(({ argv }) => argv.at(-1))).toEqual(['write made by hand']);
  expect(() => getImage(other.store, name)).toThrow('no such image');
});

test('an image that carries none, and a name that is not there', async () => {
  const [one, other] = [await machine(), await machine()];
  const name = `${registry.address}/app/plain:1`;
  const built = await one.build(STAGES, FILES);
  tagImage(one.store, built.id, name);
  await pushImages(one.store, [parseReference(name)]);
  const cacheFrom = [name, `${registry.address}/app/none:1`].map(readCacheFrom);
  await other.build(STAGES, FILES, { cacheFrom });
  expect(other.ran).toHaveLength(2);
});

test('build --push sends what was built under all its names', async () => {
  const { store, context } = await machine();
  writeFiles(context, { a: 'a', Dockerfile: 'FROM scratch\nCOPY a /\n' });
  const name = `${registry.address}/app/pushed`;
  const pushed = await cloche(store.root, [
    ...['build', '-q', '--push', '-t', `${name}:1`, '-t', `${name}:2`, context],
  ]);
  expect(pushed).toMatchObject({ code: 0, err: '' });
  expect(await tagsOf(parseReference(name))).toEqual(['1', '2']);
  const nameless = await cloche(store.root, ['build', '-o', 'type=registry', context]);
  expect(nameless).toMatchObject({
    code: 1,
    err: expect.stringContaining('tag is needed when pushing to registry'),
  });
});
