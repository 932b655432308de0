import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../src/image/digest.ts';
import { findImage, getImage, listImages } from '../../src/image/images.ts';
import { parseReference } from '../../src/image/reference.ts';
import { parsePlatform } from '../../src/image/registry/platform.ts';
import { pullImage, tagsOf } from '../../src/image/registry/pull.ts';
import { removeImage } from '../../src/image/remove.ts';
import { stackOf } from '../../src/image/snapshots.ts';
import { blobPath } from '../../src/image/store.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { imageOfLayers } from './images.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { skopeoPush } from './skopeo.ts';

let registry: TestRegistry;
const source = temporaryStore();

beforeAll(async () => {
  registry = await startRegistry();
  await imageOfFiles(source.store, 'one:1', { 'etc/motd': 'hello', 'bin/x': 'y' });
  await imageOfLayers(source.store, 'many:latest', 7);
  await skopeoPush(source.store, 'one:1', `${registry.address}/team/one:1`);
  await skopeoPush(source.store, 'one:1', `${registry.address}/team/one:2`);
  await skopeoPush(source.store, 'many:latest', `${registry.address}/many:latest`);
}, 120_000);

afterAll(async () => {
  await registry.stop();
  source.remove();
});

const named = (rest: string) => parseReference(`${registry.address}/${rest}`);

test('an image that skopeo pushed is pulled byte by byte', async () => {
  const { store, remove } = temporaryStore();
  const { image, isNew } = await pullImage(store, named('team/one:1'));
  const ours = getImage(source.store, 'one:1');
  expect([image.manifest, image.id, isNew]).toEqual([ours.manifest, ours.id, true]);
  const [layer] = stackOf(store, image.chainId);
  expect(readFileSync(join(layer?.directory ?? '', 'etc/motd'), 'utf8')).toBe('hello');
  for (const name of readdirSync(join(store.root, 'blobs/sha256')))
    expect(digestOf(readFileSync(join(store.root, 'blobs/sha256', name)))).toBe(
      `sha256:${name}` as Digest,
    );
  remove();
});

test('seven layers arrive three at a time and are stacked in their order', async () => {
  const { store, remove } = temporaryStore();
  const events: string[] = [];
  const onEvent = ({ id, status }: { id?: string; status: string }) =>
    events.push(`${id} ${status}`);
  const { image } = await pullImage(store, named('many'), { onEvent });
  const files = stackOf(store, image.chainId).map(({ directory }) => readdirSync(directory));
  expect(files).toEqual([6, 5, 4, 3, 2, 1, 0].map((n) => [`file-${n}`]));
  expect(events.filter((event) => event.endsWith(' Waiting'))).toHaveLength(4);
  expect(events.filter((event) => event.endsWith(' Pull complete'))).toHaveLength(7);
  expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
  remove();
});

test('what is here already is not asked for again, and a pull of the same says so', async () => {
  const { store, remove } = temporaryStore();
  await pullImage(store, named('many'));
  const before = (await registry.log()).split('/blobs/').length;
  const events: string[] = [];
  const { isNew } = await pullImage(store, named('many'), {
    onEvent: (e) => events.push(e.status),
  });
  expect(isNew).toBe(false);
  expect(events.slice(1)).toEqual(Array(7).fill('Already exists'));
  expect((await registry.log()).split('/blobs/').length).toBe(before);
  remove();
});

test('a digest names the same image, and is found by it afterwards', async () => {
  const { store, remove } = temporaryStore();
  const { manifest } = getImage(source.store, 'one:1');
  const { image } = await pullImage(store, named(`team/one@${manifest}`));
  expect(image.tags).toEqual([]);
  expect(findImage(store, `${registry.address}/team/one@${manifest}`)?.id).toBe(image.id);
  remove();
});

test('all tags of a repository are listed', async () => {
  expect(await tagsOf(named('team/one'))).toEqual(['1', '2']);
});

test('a tag that is not there is said in the words of docker, and nothing is kept', async () => {
  const { store, remove } = temporaryStore();
  await expect(pullImage(store, named('team/one:nope'))).rejects.toMatchObject({
    code: 'REGISTRY_NOT_FOUND',
    class: 'not-found',
    message: `manifest for ${registry.address}/team/one:nope not found: manifest unknown: manifest unknown`,
  });
  expect([listImages(store), readdirSync(join(store.root, 'blobs/sha256'))]).toEqual([[], []]);
  remove();
});

test('a platform that an image does not have is refused', async () => {
  const { store, remove } = temporaryStore();
  const platform = parsePlatform('linux/s390x');
  await expect(pullImage(store, named('team/one:1'), { platform })).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
    message: expect.stringContaining('wanted linux/s390x, actual: linux/'),
  });
  remove();
});

test('a blob that another program removed comes back', async () => {
  const { store, remove } = temporaryStore();
  const { image } = await pullImage(store, named('team/one:1'));
  const [layer] = stackOf(store, image.chainId);
  const path = blobPath(store, layer?.blob.digest ?? image.id);
  await Bun.file(path).delete();
  await pullImage(store, named('team/one:1'));
  expect(await Bun.file(path).exists()).toBe(true);
  remove();
});

test('blobs that something has damaged are fetched anew', async () => {
  const { store, remove } = temporaryStore();
  const { image } = await pullImage(store, named('team/one:1'));
  const [layer] = stackOf(store, image.chainId);
  const blobs = [image.id, layer?.blob.digest ?? image.id];
  removeImage(store, `${registry.address}/team/one:1`);
  for (const digest of blobs) writeFileSync(blobPath(store, digest), 'damaged');
  await expect(pullImage(store, named('team/one:1'))).rejects.toMatchObject({
    code: expect.stringMatching(/_MISMATCH$/),
  });
  await pullImage(store, named('team/one:1'));
  for (const digest of blobs) expect(digestOf(readFileSync(blobPath(store, digest)))).toBe(digest);
  remove();
});
