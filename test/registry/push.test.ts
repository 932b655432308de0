import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getImage, tagImage } from '../../src/image/images.ts';
import type { Manifest } from '../../src/image/manifest.ts';
import { parseReference } from '../../src/image/reference.ts';
import { PATIENCE } from '../../src/image/registry/patience.ts';
import type { TransferEvent } from '../../src/image/registry/progress.ts';
import { pullImage, tagsOf } from '../../src/image/registry/pull.ts';
import { localTags, pushImages } from '../../src/image/registry/push.ts';
import { blobPath, readJson } from '../../src/image/store.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { imageOfLayers } from './images.ts';
import { breakingProxy } from './proxy.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { skopeo } from './skopeo.ts';

let registry: TestRegistry;
const source = temporaryStore();
const { store } = source;
const patience = { ...PATIENCE, pause: 20 };

beforeAll(async () => {
  registry = await startRegistry();
  await imageOfFiles(store, 'one:1', { 'etc/motd': 'hello' }, { Cmd: ['cat', '/etc/motd'] });
  await imageOfLayers(store, 'many:1', 6);
}, 120_000);

afterAll(async () => {
  await registry.stop();
  source.remove();
});

/** Pushes an image of the store under another name, and collects what is said. */
async function push(image: string, path: string, address = registry.address) {
  const name = `${address}/${path}`;
  tagImage(store, image, name);
  const events: TransferEvent[] = [];
  const onEvent = (event: TransferEvent) => events.push(event);
  const [pushed] = await pushImages(store, [parseReference(name)], { onEvent, patience });
  const last = new Map(events.map(({ id, status }) => [id, status]));
  last.delete(undefined);
  return { pushed, last: [...last.values()], events };
}

test('skopeo reads what was pushed, and copies it byte by byte', async () => {
  const { pushed, last } = await push('one:1', 'first/one:1');
  expect(last).toEqual(['Pushed']);
  const ours = getImage(store, 'one:1');
  expect(pushed).toMatchObject({ tag: '1', digest: ours.manifest });
  const from = `docker://${registry.address}/first/one:1`;
  const seen = JSON.parse(await skopeo('inspect', '--tls-verify=false', from));
  expect([seen.Digest, seen.Architecture]).toEqual([
    ours.manifest,
    process.arch === 'arm64' ? 'arm64' : 'amd64',
  ]);
  const copy = mkdtempSync(join(tmpdir(), 'cloche-copy-'));
  await skopeo('copy', '--src-tls-verify=false', from, `dir:${copy}`);
  expect(readFileSync(join(copy, 'manifest.json'))).toEqual(
    readFileSync(blobPath(store, ours.manifest)),
  );
  rmSync(copy, { recursive: true });
});

test('what comes back is what went away', async () => {
  await push('many:1', 'back/many:1');
  const other = temporaryStore();
  const { image } = await pullImage(other.store, parseReference(`${registry.address}/back/many:1`));
  expect(image).toMatchObject({
    id: getImage(store, 'many:1').id,
    manifest: getImage(store, 'many:1').manifest,
  });
  other.remove();
});

test('a second push finds every layer there and sends none', async () => {
  await push('many:1', 'twice/many:1');
  const { last } = await push('many:1', 'twice/many:2');
  expect(last).toEqual(Array(6).fill('Layer already exists'));
});

test('a layer that another repository has is lent by it, as the registry confirms with 201', async () => {
  await imageOfLayers(store, 'lent:1', 2);
  await push('lent:1', 'lender/one:1');
  const { last } = await push('lent:1', 'borrower/two:1');
  expect(last).toEqual(Array(2).fill('Mounted from lender/one'));
  const lines = (await registry.log()).split('\n');
  const asked = lines.filter((line) =>
    /"POST \S*borrower\S*from=lender%2Fone\S* HTTP\S* 201 /.test(line),
  );
  expect(asked.length).toBe(2);
});

test('an upload that breaks and that the registry forgets is begun again', async () => {
  const size = 8 << 20;
  await imageOfLayers(store, 'large:1', 1, size);
  const proxy = breakingProxy(registry.address, { cut: 'up', after: 3 << 20, times: 1 });
  const { last } = await push('large:1', 'resumed/large:1', proxy.address);
  expect([proxy.cuts(), last]).toEqual([1, ['Pushed']]);
  const other = temporaryStore();
  await pullImage(other.store, parseReference(`${registry.address}/resumed/large:1`));
  other.remove();
  proxy.stop();
}, 60_000);

test('a download whose connection breaks goes on where it was', async () => {
  await imageOfLayers(store, 'big:1', 1, 8 << 20);
  await push('big:1', 'resumed/big:1');
  const proxy = breakingProxy(registry.address, { cut: 'down', after: 3 << 20, times: 2 });
  const other = temporaryStore();
  const { image } = await pullImage(other.store, parseReference(`${proxy.address}/resumed/big:1`), {
    patience,
  });
  expect([proxy.cuts(), image.manifest]).toEqual([2, getImage(store, 'big:1').manifest]);
  const ranges = (await registry.log()).split('\n').filter((line) => / 206 /.test(line));
  expect(ranges.length).toBe(2);
  other.remove();
  proxy.stop();
}, 60_000);

test('all tags of a repository are pushed', async () => {
  for (const tag of ['a', 'b']) tagImage(store, 'one:1', `${registry.address}/all/one:${tag}`);
  const name = parseReference(`${registry.address}/all/one`);
  await pushImages(store, localTags(store, name));
  expect(await tagsOf(name)).toEqual(['a', 'b']);
});

test('an image that is not here is said before the registry is asked', async () => {
  await expect(pushImages(store, [parseReference('127.0.0.1:1/nothing:1')])).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: 'an image does not exist locally with the tag: 127.0.0.1:1/nothing:1',
  });
});

test('a blob that was changed on the disk is refused, and the tag is not made', async () => {
  await imageOfLayers(store, 'broken:1', 1);
  const [layer] = readJson<Manifest>(store, getImage(store, 'broken:1').manifest).layers;
  const path = blobPath(store, layer?.digest ?? getImage(store, 'broken:1').id);
  const bytes = readFileSync(path);
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  await expect(push('broken:1', 'broken/one:1')).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  await expect(tagsOf(parseReference(`${registry.address}/broken/one`))).rejects.toMatchObject({
    code: 'REGISTRY_NOT_FOUND',
  });
});
