import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { adoptImage } from '../../src/image/adopt.ts';
import { type DiffId, type Digest, digestOf } from '../../src/image/digest.ts';
import { findImage, getImage } from '../../src/image/images.ts';
import { inspectImage } from '../../src/image/inspect.ts';
import { unpackLayer } from '../../src/image/layer/unpack.ts';
import { LAYER_TYPES, type Manifest, MEDIA } from '../../src/image/manifest.ts';
import { parseReference } from '../../src/image/reference.ts';
import { parsePlatform } from '../../src/image/registry/platform.ts';
import { pullImage } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { stackOf } from '../../src/image/snapshots.ts';
import { blobPath, readJson, type Store } from '../../src/image/store.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { skopeo } from './skopeo.ts';

/** The forms in which images lie in registries: docker's and the OCI's, gzip and zstd, indexes. */
let registry: TestRegistry;
const source = temporaryStore();

beforeAll(async () => {
  registry = await startRegistry();
  await imageOfFiles(source.store, 'one:1', { 'etc/motd': 'hello' }, { Cmd: ['true'] });
  await compressAnew(source.store, 'one:1', 'zstd:1');
}, 120_000);

afterAll(async () => {
  await registry.stop();
  source.remove();
});

const named = (rest: string) => parseReference(`${registry.address}/${rest}`);

async function copied(image: string, path: string, ...how: string[]): Promise<void> {
  const from = `oci:${source.store.root}:${image}`;
  const target = `docker://${registry.address}/${path}`;
  await skopeo('copy', '--dest-tls-verify=false', ...how, from, target);
}

/** The same image once more, its layer compressed with zstd. */
async function compressAnew(store: Store, image: string, name: string): Promise<void> {
  const { manifest, id } = getImage(store, image);
  const document = readJson<Manifest>(store, manifest);
  const [layer] = document.layers;
  const tar = Bun.gunzipSync(readFileSync(blobPath(store, layer?.digest ?? id)));
  const body = Bun.zstdCompressSync(tar);
  const descriptor = { mediaType: LAYER_TYPES.zstd, digest: digestOf(body), size: body.length };
  const diffId = `sha256:${new Bun.CryptoHasher('sha256').update(tar).digest('hex')}` as DiffId;
  await unpackLayer(store, undefined, { descriptor, diffId }, new Blob([body]).stream());
  const bytes = Buffer.from(JSON.stringify({ ...document, layers: [descriptor] }));
  const config = readFileSync(blobPath(store, id));
  adoptImage(store, { manifest: bytes, config }, [parseReference(name)]);
}

function motdOf(store: Store, name: string): string {
  const [layer] = stackOf(store, getImage(store, name).chainId);
  return readFileSync(join(layer?.directory ?? '', 'etc/motd'), 'utf8');
}

test.each([
  ['docker', 'one:1', ['--format', 'v2s2'], 'application/vnd.docker.image.rootfs.diff.tar.gzip'],
  ['zstd', 'zstd:1', [], LAYER_TYPES.zstd],
])(
  'an image in the form of %s is pulled, and pushed under the very same digest',
  async (kind, image, how, mediaType) => {
    await copied(image, `forms/${kind}:1`, ...how);
    const { store, remove } = temporaryStore();
    const { manifest } = (await pullImage(store, named(`forms/${kind}:1`))).image;
    expect(motdOf(store, `${registry.address}/forms/${kind}:1`)).toBe('hello');
    const [layer] = readJson<Manifest>(store, manifest).layers;
    expect(layer?.mediaType).toBe(mediaType);
    const [pushed] = await pushImages(store, [named(`forms/${kind}:1`)]);
    const seen = JSON.parse(
      await skopeo('inspect', '--tls-verify=false', `docker://${registry.address}/forms/${kind}:1`),
    );
    expect([pushed?.digest, seen.Digest]).toEqual([manifest, manifest]);
    remove();
  },
);

test('an index leads to the image of the platform, and its digest names it from then on', async () => {
  const top = await pushIndex('multi/one');
  const { store, remove } = temporaryStore();
  const { image, digest } = await pullImage(store, named('multi/one:1'));
  expect([digest, image.manifest]).toEqual([top, getImage(source.store, 'one:1').manifest]);
  expect(findImage(store, `${registry.address}/multi/one@${top}`)?.id).toBe(image.id);
  const again = await pullImage(store, named(`multi/one@${top}`));
  expect([again.isNew, again.image.id]).toEqual([false, image.id]);
  expect(inspectImage(store, image).RepoDigests).toEqual([`${registry.address}/multi/one@${top}`]);
  const other = parsePlatform(process.arch === 'arm64' ? 'linux/amd64' : 'linux/arm64');
  await expect(pullImage(store, named('multi/one:1'), { platform: other })).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
    hint: expect.stringContaining(
      `There are linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
    ),
  });
  remove();
});

/** Puts an index with our image and an attestation in front of it, as BuildKit's are. */
async function pushIndex(path: string): Promise<Digest> {
  await copied('one:1', `${path}:only`);
  const { manifest } = getImage(source.store, 'one:1');
  const size = readFileSync(blobPath(source.store, manifest)).length;
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const entry = { mediaType: MEDIA.manifest, digest: manifest, size };
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: [
      { ...entry, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...entry, platform: { os: 'linux', architecture } },
    ],
  });
  const url = `http://${registry.address}/v2/${path}/manifests/1`;
  const headers = { 'content-type': MEDIA.index };
  const answer = await fetch(url, { method: 'PUT', headers, body });
  expect(answer.status).toBe(201);
  return digestOf(body);
}

test('a process that is killed in the middle of a pull leaves nothing that stays', async () => {
  const { store, remove } = temporaryStore();
  await killedPull(store.root);
  expect(readdirSync(join(store.root, 'tmp')).length).toBeGreaterThan(0);
  const { reconcile } = await import('../../src/image/collect.ts');
  reconcile(store);
  expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
  for (const table of ['images', 'tags', 'active'])
    expect([table, store.db.query(`SELECT * FROM ${table}`).all()]).toEqual([table, []]);
  await copied('one:1', 'after/one:1');
  const { image } = await pullImage(store, named('after/one:1'));
  expect(image.id).toBe(getImage(source.store, 'one:1').id);
  remove();
});

/** Pulls in a process of its own from a registry whose layer never ends, and kills it meanwhile. */
async function killedPull(root: string): Promise<void> {
  const { startHostile } = await import('./hostile.ts');
  const hostile = startHostile(source.store, 'one:1');
  const [layer] = readJson<Manifest>(source.store, getImage(source.store, 'one:1').manifest).layers;
  const begun = Promise.withResolvers<void>();
  hostile.misbehave((_, { pathname }) => {
    if (!pathname.endsWith(layer?.digest ?? '')) return undefined;
    begun.resolve();
    const some = readFileSync(
      blobPath(source.store, layer?.digest ?? getImage(source.store, 'one:1').id),
    );
    return new Response(
      new ReadableStream({ start: (body) => body.enqueue(some.subarray(0, 50)) }),
    );
  });
  const main = join(import.meta.dir, '../../src/cli/main.ts');
  const env = { ...process.env, CLOCHE_ROOT: root };
  const words = [process.execPath, main, 'pull', `${hostile.address}/x:1`];
  const child = Bun.spawn(words, { env, stdout: 'ignore', stderr: 'ignore' });
  await begun.promise;
  await Bun.sleep(300);
  child.kill('SIGKILL');
  await child.exited;
  hostile.stop();
}
