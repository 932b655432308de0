import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { $ } from 'bun';
import { adoptImage } from '../adopt.ts';
import { type Digest, digestOf } from '../digest.ts';
import { configOf, getImage, type Image, listImages, tagImage, writeImage } from '../images.ts';
import { contents, entry, inPieces, symlink, tar } from '../layer/testing.ts';
import { parseReference } from '../reference.ts';
import type { TransferEvent } from '../registry/index.ts';
import { commit, prepare, treeOf } from '../snapshots.ts';
import { blobPath, type Store } from '../store.ts';
import { imageOfFiles, temporaryStore, writeFiles } from '../testing.ts';
import {
  type ArchiveFormat,
  exportSnapshot,
  exportTree,
  importImage,
  type Loaded,
  loadImages,
  saveImages,
} from './index.ts';

let store: Store;
let other: Store;
let scratch: string;
let cleanUp: (() => void)[];

beforeEach(() => {
  const [one, two] = [temporaryStore(), temporaryStore()];
  [store, other] = [one.store, two.store];
  scratch = mkdtempSync(join(tmpdir(), 'cloche-archive-'));
  cleanUp = [two.remove, one.remove, () => rmSync(scratch, { recursive: true })];
});
afterEach(() => {
  for (const action of cleanUp) action();
});

const save = async (names: string[], format: ArchiveFormat = 'docker') =>
  Buffer.concat(await Array.fromAsync(saveImages(store, names, format)));
/** Out of a file and out of a stream: one reads headers alone, the other puts all aside. */
async function load(archive: Buffer, about = {}) {
  const file = join(scratch, 'loaded.tar');
  writeFileSync(file, archive);
  const fromFile = await outcome(loadImages(other, { file }, about));
  const third = temporaryStore();
  const fromStream = await outcome(loadImages(third.store, inPieces(archive, 5000), about));
  const left = contents(third.store).length;
  third.remove();
  expect(fromStream.names).toEqual(fromFile.names);
  expect(fromStream.code).toEqual(fromFile.code);
  if (fromStream.code !== undefined) expect(left).toBe(0);
  if (fromFile.error !== undefined) throw fromFile.error;
  return fromFile.loaded;
}

/** What is compared of two ways to load. */
async function outcome(loading: Promise<Loaded[]>) {
  try {
    const loaded = await loading;
    return { loaded, names: loaded.map(({ names, image }) => [image.id, ...names]) };
  } catch (error) {
    return { loaded: [], names: [], code: (error as { code?: string }).code, error };
  }
}

/** An image of two layers, the upper of which removes a file. */
async function twoLayers(name: string): Promise<Image> {
  const base = await imageOfFiles(store, `${name}-base`, { 'etc/motd': 'hello\n', 'etc/gone': '' });
  const active = prepare(store, base.chainId);
  writeFiles(active.upper, { 'app/main.js': 'run' });
  const { diffId } = await commit(store, active);
  const config = configOf(store, base);
  const rootfs = { ...config.rootfs, diff_ids: [...config.rootfs.diff_ids, diffId] };
  return writeImage(store, { ...config, config: { Cmd: ['x'] }, rootfs }, [parseReference(name)]);
}

test.each(['docker', 'oci'] as const)('what is saved as %s is loaded as it was', async (format) => {
  const image = await twoLayers('app:1');
  const [loaded] = await load(await save(['app:1'], format));
  expect(loaded).toMatchObject({ names: ['app:1'], image: { tags: ['app:1'] } });
  const { id, manifest, chainId, size } = image;
  expect(getImage(other, 'app:1')).toMatchObject({ id, manifest, chainId, size });
  const theirs = contents(store);
  expect(contents(other).filter((name) => !theirs.includes(name))).toEqual([]);
  expect(await load(await save(['app:1'], format))).toHaveLength(1);
});

test('the same images give the same bytes', async () => {
  await twoLayers('app:1');
  expect(digestOf(await save(['app:1']))).toBe(digestOf(await save(['app:1'])));
});

test('a repository means all of its tags, an id means no name', async () => {
  const image = await imageOfFiles(store, 'a/b:1', { f: '1' });
  tagImage(store, 'a/b:1', 'a/b:2');
  await imageOfFiles(store, 'a/b:3', { f: '3' });
  await imageOfFiles(store, 'a/c:1', { f: 'c' });
  await load(await save(['a/b']));
  expect(
    listImages(other)
      .flatMap(({ tags }) => tags)
      .sort(),
  ).toEqual(['a/b:1', 'a/b:2', 'a/b:3']);
  const byId = await load(await save([image.id]));
  expect(byId).toMatchObject([{ names: [], image: { id: image.id } }]);
  expect(await load(await save([image.id.slice(7, 19), 'a/c:1']))).toMatchObject([
    { names: [] },
    { names: ['a/c:1'] },
  ]);
});

test('a name of hex digits is a name, also where an id begins like it', async () => {
  const image = await imageOfFiles(store, 'db', { f: '1' });
  tagImage(store, 'db', 'db:2');
  const short = image.id.slice(7, 19);
  const other = await imageOfFiles(store, `${short}:latest`, { f: '2' });
  expect(await load(await save(['db:latest']))).toMatchObject([{ names: ['db:latest'] }]);
  expect(await load(await save(['db']))).toMatchObject([{ names: ['db:2', 'db:latest'] }]);
  const named = await load(await save([short]));
  expect(named).toMatchObject([{ names: [`${short}:latest`], image: { id: other.id } }]);
});

test('the index has the whole name for containerd, and for the OCI the tag', async () => {
  await twoLayers('localhost:5000/team/app:1');
  writeFileSync(join(scratch, 'a.tar'), await save(['localhost:5000/team/app:1'], 'oci'));
  const { manifests } = await $`tar -xOf a.tar index.json`.cwd(scratch).json();
  expect(manifests[0].annotations).toEqual({
    'io.containerd.image.name': 'localhost:5000/team/app:1',
    'org.opencontainers.image.ref.name': '1',
  });
});

test('what is not there is said before anything is written', async () => {
  await expect(save(['nothing:here'])).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test("a manifest of docker's stays for docker, and becomes the OCI's in an OCI layout", async () => {
  const image = await twoLayers('app:1');
  const read = (digest: Digest) => readFileSync(blobPath(store, digest));
  const own = JSON.parse(read(image.manifest).toString());
  const docker = (name: string) => `application/vnd.docker.${name}`;
  const layers = own.layers.map((layer: object) => ({
    ...{ ...layer, mediaType: docker('image.rootfs.diff.tar.gzip') },
  }));
  const config = { ...own.config, mediaType: docker('container.image.v1+json') };
  const mediaType = docker('distribution.manifest.v2+json');
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers }));
  adoptImage(store, { manifest, config: read(image.id) }, [parseReference('theirs:1')]);
  const asDocker = (await load(await save(['theirs:1'], 'docker')))[0]?.image;
  expect([asDocker?.manifest, asDocker?.id]).toEqual([digestOf(manifest), image.id]);
  const asOci = (await load(await save(['theirs:1'], 'oci')))[0]?.image;
  // Which is the very manifest that our own image has.
  expect([asOci?.manifest, asOci?.id]).toEqual([image.manifest, image.id]);
});

test('who watches is told of each layer, up to its end', async () => {
  const image = await twoLayers('app:1');
  const last = new Map<string | undefined, number>();
  const onEvent = ({ id, progressDetail }: TransferEvent) => {
    if (progressDetail !== undefined) last.set(id, progressDetail.current / progressDetail.total);
  };
  await load(await save(['app:1']), { onEvent });
  const layers = configOf(store, image).rootfs.diff_ids.map((diffId) => diffId.slice(7, 19));
  expect([...last]).toEqual(layers.map((id) => [id, 1]));
});

test('an archive may be compressed', async () => {
  await twoLayers('app:1');
  expect(await load(gzipSync(await save(['app:1'])))).toMatchObject([{ names: ['app:1'] }]);
});

/** A layout with an index in an index: two platforms and an attestation. */
async function manyPlatforms(): Promise<Buffer> {
  const here = await imageOfFiles(store, 'here', { f: 'here' });
  const there = await imageOfFiles(store, 'there', { f: 'there' });
  const blob = (hex: string) => readFileSync(join(store.root, 'blobs/sha256', hex));
  const blobs = readdirSync(join(store.root, 'blobs/sha256')).map((hex) =>
    entry({ path: `blobs/sha256/${hex}` }, blob(hex).toString('latin1')),
  );
  const type = 'application/vnd.oci.image.index.v1+json';
  const point = (digest: string, more: object) => ({
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...{ digest, size: 1, ...more },
  });
  const nested = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    manifests: [
      point(there.manifest, { platform: { os: 'linux', architecture: 's390x' } }),
      point(here.manifest, {
        platform: { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : 'arm64' },
      }),
      point(digestOf('nowhere'), { platform: { os: 'unknown', architecture: 'unknown' } }),
    ],
  });
  const top = {
    schemaVersion: 2,
    manifests: [
      point(digestOf(nested), {
        mediaType: type,
        annotations: { 'io.containerd.image.name': 'docker.io/library/multi:1' },
      }),
    ],
  };
  const name = `blobs/sha256/${digestOf(nested).slice(7)}`;
  return tar(
    ...blobs,
    entry({ path: name }, nested),
    entry({ path: 'index.json' }, JSON.stringify(top)),
  );
}

test('of an index in an index the own platform is loaded, or the one that is asked for', async () => {
  const archive = await manyPlatforms();
  expect((await load(archive))[0]?.image.manifest).toBe(getImage(store, 'here').manifest);
  const platform = { os: 'linux', architecture: 's390x' };
  expect((await load(archive, { platform }))[0]?.image.manifest).toBe(
    getImage(store, 'there').manifest,
  );
  const riscv = { os: 'linux', architecture: 'riscv64' };
  await expect(load(archive, { platform: riscv })).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
  });
});

test.each([
  ['a root file system', [entry({ path: 'etc/motd' })], 'neither'],
  ['no JSON', [entry({ path: 'manifest.json' }, 'x')], 'is no JSON'],
  ['a list of wrong things', [entry({ path: 'manifest.json' }, '[{"Config":1}]')], 'is wrong'],
  [
    'a config that is missing',
    [entry({ path: 'manifest.json' }, '[{"Config":"c"}]')],
    "'c' is not in",
  ],
  [
    'an empty index',
    [entry({ path: 'index.json' }, '{"schemaVersion":2,"manifests":[]}')],
    'no image',
  ],
  ['a link to a file of ours', [symlink('manifest.json', '/etc/passwd')], 'neither'],
])('%s is refused with a reason', async (_, parts, message) => {
  await expect(load(tar(...parts))).rejects.toThrow(message);
  expect(contents(other)).toEqual([]);
});

test('paths in manifest.json lead nowhere but into the archive', async () => {
  for (const path of ['../../../../etc/passwd', '/etc/passwd', 'blobs/../../x']) {
    const manifest = JSON.stringify([{ Config: path, Layers: [path] }]);
    const loading = load(tar(entry({ path: 'manifest.json' }, manifest)));
    await expect(loading).rejects.toMatchObject({ class: 'invalid-argument' });
  }
  expect(contents(other)).toEqual([]);
});

test('an archive that was cut off, or changed, leaves nothing', async () => {
  await twoLayers('app:1');
  const archive = await save(['app:1'], 'oci');
  for (const share of [0.1, 0.5, 0.9])
    await expect(load(archive.subarray(0, archive.length * share))).rejects.toMatchObject({
      class: 'invalid-argument',
    });
  const layer = getImage(store, 'app:1').manifest.slice(7);
  const at = archive.indexOf(`blobs/sha256/${layer}`) + 512 + 40;
  const changed = Buffer.from(archive);
  changed[at] = (changed[at] ?? 0) ^ 1;
  await expect(load(changed)).rejects.toThrow('has other content');
  expect(contents(other)).toEqual([]);
  expect(listImages(other)).toEqual([]);
});

test('a layer whose content is not its digest is refused, and so is its image', async () => {
  await imageOfFiles(store, 'app:1', { f: 'x'.repeat(5000) });
  const archive = await save(['app:1'], 'oci');
  const gzip = archive.indexOf(Buffer.from('1f8b08', 'hex'));
  archive[gzip + 60] = (archive[gzip + 60] ?? 0) ^ 0xff;
  await expect(load(archive)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(contents(other)).toEqual([]);
  expect(listImages(other)).toEqual([]);
});

test('a root file system becomes an image of one layer, and comes out as it went in', async () => {
  const rootfs = tar(
    entry({ path: 'bin/su', mode: 0o4755, mtime: 123_456_789_012_345_678n }, 'su'),
    entry({ path: 'etc/motd', uid: 7 }, 'hi'),
    symlink('lib', 'usr/lib'),
  );
  const image = await importImage(other, inPieces(gzipSync(rootfs), 100), {
    config: { Cmd: ['sh'] },
    message: 'by hand',
    reference: parseReference('mine'),
  });
  expect(image.tags).toEqual(['mine:latest']);
  expect(configOf(other, image)).toMatchObject({
    config: { Cmd: ['sh'] },
    rootfs: { diff_ids: [digestOf(rootfs)] },
    history: [{ comment: 'by hand' }],
  });
  const active = prepare(other, image.chainId);
  const out = Buffer.concat(await Array.fromAsync(exportSnapshot(other, active)));
  writeFileSync(join(scratch, 'out.tar'), out);
  const listed = await $`tar --full-time --numeric-owner -tvf out.tar`.cwd(scratch).text();
  expect(listed.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
    'drwxr-xr-x 0/0 0 1973-11-29 21:33:09.012345678 bin/',
    '-rwsr-xr-x 0/0 2 1973-11-29 21:33:09.012345678 bin/su',
    'drwxr-xr-x 0/0 0 1970-01-01 00:00:01 etc/',
    '-rw-r--r-- 7/0 2 1970-01-01 00:00:01 etc/motd',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00:01 lib -> usr/lib',
    '',
  ]);
});

test("an image's files are exported without a container", async () => {
  const { chainId } = await twoLayers('app:1');
  const out = Buffer.concat(await Array.fromAsync(exportTree(treeOf(store, chainId))));
  writeFileSync(join(scratch, 'out.tar'), out);
  expect((await $`tar -tf out.tar`.cwd(scratch).text()).split('\n')).toEqual([
    ...['app/', 'app/main.js', 'etc/', 'etc/gone', 'etc/motd', ''],
  ]);
});

test('an export is what the container sees: files of all layers but those removed', async () => {
  const image = await twoLayers('app:1');
  const active = prepare(store, image.chainId);
  writeFiles(active.upper, { 'etc/motd': 'changed', 'new/file': 'x' });
  await $`mknod ${join(active.upper, 'etc/gone')} c 0 0`;
  await $`mkdir ${join(active.upper, 'app')}`;
  const { writeXattrs } = await import('../layer/xattr.ts');
  const opaque = new Map([['trusted.overlay.opaque', Buffer.from('y')]]);
  await writeXattrs(new Map([[join(active.upper, 'app'), opaque]]));
  const out = Buffer.concat(await Array.fromAsync(exportSnapshot(store, active)));
  writeFileSync(join(scratch, 'out.tar'), out);
  expect((await $`tar -tf out.tar`.cwd(scratch).text()).split('\n')).toEqual([
    ...['app/', 'etc/', 'etc/motd', 'new/', 'new/file', ''],
  ]);
  expect(await $`tar -xOf out.tar etc/motd`.cwd(scratch).text()).toBe('changed');
});
