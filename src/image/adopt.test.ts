import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adoptImage } from './adopt.ts';
import { type DiffId, type Digest, digestOf } from './digest.ts';
import { configOf, getImage } from './images.ts';
import { unpackLayer } from './layer/unpack.ts';
import { parseReference, withTag } from './reference.ts';
import { removeImage } from './remove.ts';
import { whileWorking } from './state/work.ts';
import { blobPath, type Store } from './store.ts';
import { temporaryStore } from './testing.ts';

const DOCKER = 'application/vnd.docker.distribution.manifest.v2+json';
const LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
/** An archive of nothing. */
const TAR = Buffer.alloc(1024);
const NAME = withTag(parseReference('theirs:1'));

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

/** Written with blanks and in an order that cloche would not use. */
function documents(diffIds: readonly string[] = [digestOf(TAR)]) {
  const about = {
    os: 'linux',
    variant: 'v7',
    architecture: 'arm',
    history: null,
    config: { Cmd: ['sh'], Entrypoint: null, Env: null },
    rootfs: { diff_ids: diffIds, type: 'layers' },
    created: '0001-01-01T00:00:00Z',
  };
  const config = Buffer.from(JSON.stringify(about, undefined, 3));
  const layer = { mediaType: LAYER, size: TAR.length, digest: digestOf(TAR) };
  const pointer = { digest: digestOf(config), size: config.length, mediaType: 'docker' };
  const manifest = Buffer.from(
    JSON.stringify({ layers: [layer], config: pointer, mediaType: DOCKER, schemaVersion: 2 }),
  );
  return { config, manifest, layer };
}

async function adopt() {
  const { config, manifest, layer } = documents();
  const body = new Blob([TAR]).stream();
  const diffId = layer.digest as Digest & DiffId;
  return whileWorking(store.db, 'test', async () => {
    await unpackLayer(store, undefined, { descriptor: layer, diffId }, body);
    return adoptImage(store, { manifest, config }, [NAME]);
  });
}

test('an image of others keeps its bytes, its id and its digest', async () => {
  const { config, manifest } = documents();
  const image = await adopt();
  expect(image).toMatchObject({ id: digestOf(config), manifest: digestOf(manifest) });
  expect(readFileSync(blobPath(store, image.manifest)).equals(manifest)).toBe(true);
  expect(readFileSync(blobPath(store, image.id)).equals(config)).toBe(true);
  expect(getImage(store, 'theirs:1').id).toBe(image.id);
});

test("docker's nulls are gaps, and its zero time is no time", async () => {
  const image = await adopt();
  expect(configOf(store, image)).toMatchObject({ config: { Cmd: ['sh'] }, history: [] });
  expect(configOf(store, image).config).not.toHaveProperty('Env');
  expect(image.created.getTime()).toBe(0);
});

test('the index says what the manifest is and for which platform', async () => {
  await adopt();
  const index = JSON.parse(readFileSync(join(store.root, 'index.json'), 'utf8'));
  expect(index.manifests).toMatchObject([
    { mediaType: DOCKER, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
  ]);
});

test('documents that do not belong together are refused, and nothing is written', () => {
  const { manifest, config } = documents();
  const other = Buffer.from(`${config} `);
  expect(() => adoptImage(store, { manifest, config: other })).toThrow("manifest's config is");
  const { manifest: long, config: pair } = documents([digestOf('a'), digestOf('b')]);
  expect(() => adoptImage(store, { manifest: long, config: pair })).toThrow('1 layers');
  expect(() => adoptImage(store, { manifest, config })).toThrow('is not in');
  expect(existsSync(blobPath(store, digestOf(config)))).toBe(false);
});

test('removing an adopted image removes all of its blobs', async () => {
  const { layer } = documents();
  const image = await adopt();
  removeImage(store, 'theirs:1');
  for (const digest of [image.id, image.manifest, layer.digest])
    expect(existsSync(blobPath(store, digest))).toBe(false);
});
