import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collect, reconcile } from './collect.ts';
import { type ChainId, chainOfAll, type DiffId, parseDigest } from './digest.ts';
import { configOf, findImage, getImage, listImages, tagImage } from './images.ts';
import { removeImage } from './remove.ts';
import { commit, discard, findActive, findSnapshot, prepare, stackOf } from './snapshots.ts';
import { blobPath, openStore, readJson, type Store, writeJson } from './store.ts';
import { imageOfFiles, temporaryStore, writeFiles } from './testing.ts';

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});

afterEach(() => remove());

const folder = (name: string) => readdirSync(join(store.root, name)).sort();

describe('blobs', () => {
  test('JSON goes in and comes out, its digest is its name, nothing else is left', () => {
    const { digest, size } = writeJson(store, 'x', { a: 1 });
    expect(readFileSync(blobPath(store, digest), 'utf8')).toBe('{"a":1}');
    expect([size, readJson<unknown>(store, digest)]).toEqual([7, { a: 1 }]);
    expect(folder('tmp')).toEqual([]);
  });

  test('a changed blob is noticed, a missing one is named', () => {
    const { digest } = writeJson(store, 'x', { a: 1 });
    writeFileSync(blobPath(store, digest), '{"a":2}');
    expect(() => readJson(store, digest)).toThrow(
      `blob '${digest}' in '${store.root}' has other content`,
    );
    rmSync(blobPath(store, digest));
    expect(() => readJson(store, digest)).toThrow(`blob '${digest}' is not in '${store.root}'`);
  });

  test('a digest is 64 small hexadecimal digits', () => {
    expect(() => parseDigest('sha256:../../etc/passwd')).toThrow('is not a sha256 digest');
    expect(parseDigest(`sha256:${'0'.repeat(64)}`)).toEndWith('0');
  });
});

test('a chainID is the digest over its parent’s and the layer’s, as the specification computes it', () => {
  const layers = ['a', 'b', 'c'].map((c) => `sha256:${c.repeat(64)}` as DiffId);
  expect(chainOfAll([])).toBeUndefined();
  expect(chainOfAll(layers.slice(0, 1))).toBe(layers[0] as string as ChainId);
  const two = new Bun.CryptoHasher('sha256').update(`${layers[0]} ${layers[1]}`).digest('hex');
  const three = new Bun.CryptoHasher('sha256').update(`sha256:${two} ${layers[2]}`).digest('hex');
  expect(chainOfAll(layers)).toBe(`sha256:${three}` as ChainId);
});

describe('snapshots', () => {
  test('a committed one is the next one’s lower directory, the uppermost first', async () => {
    const first = prepare(store, undefined);
    writeFiles(first.upper, { a: '1' });
    const one = await commit(store, first);
    const second = prepare(store, one.chainId);
    writeFiles(second.upper, { b: '2' });
    const two = await commit(store, second);
    expect(prepare(store, two.chainId).lower).toEqual([two.directory, one.directory]);
    expect(readFileSync(join(two.directory, 'b'), 'utf8')).toBe('2');
    expect(stackOf(store, two.chainId).map(({ diffId }) => diffId)).toEqual([
      two.diffId,
      one.diffId,
    ]);
    expect(existsSync(join(two.directory, '../work'))).toBe(false);
  });

  test('the same layer twice is one snapshot', async () => {
    const [one, two] = [prepare(store, undefined), prepare(store, undefined)];
    for (const active of [one, two])
      await Bun.$`sh -c 'echo 1 > f; /usr/bin/touch -d @5 f'`.cwd(active.upper);
    const committed = [await commit(store, one), await commit(store, two)];
    expect(committed[0]).toEqual(committed[1] as never);
    expect(folder('snapshots')).toHaveLength(1);
    expect(folder('blobs/sha256')).toHaveLength(1);
  });

  test('an unknown parent is an error', () => {
    expect(() => prepare(store, `sha256:${'0'.repeat(64)}` as ChainId)).toThrow('snapshot');
    expect(folder('snapshots')).toEqual([]);
  });

  test('one with a keeper outlives its process, one without does not', async () => {
    const script = `
      const image = await import(${JSON.stringify(join(import.meta.dir, 'index.ts'))});
      const store = image.openStore(${JSON.stringify(store.root)});
      const kept = image.prepare(store, undefined, { keeper: 'container 1' });
      const lost = image.prepare(store, undefined);
      await Bun.write(lost.upper + '/half', 'x');
      await Bun.write(store.root + '/tmp/' + image.ownOwner() + '+half', 'x');
      console.log(kept.id);
      await Bun.sleep(60000);`;
    const other = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
    const id = Buffer.from((await other.stdout.getReader().read()).value ?? [])
      .toString()
      .trim();
    reconcile(store);
    expect(folder('snapshots')).toHaveLength(2);
    other.kill('SIGKILL');
    await other.exited;
    reconcile(store);
    expect(folder('snapshots')).toEqual([`active-${id}`]);
    expect(folder('tmp')).toEqual([]);
    const kept = findActive(store, id);
    expect(kept?.upper).toBe(join(store.root, 'snapshots', `active-${id}`, 'fs'));
    discard(store, { id });
    expect([folder('snapshots'), findActive(store, id)]).toEqual([[], undefined]);
  });

  test('a directory that no row names is removed', () => {
    mkdirSync(join(store.root, 'snapshots', 'f'.repeat(64), 'fs'), { recursive: true });
    reconcile(store);
    expect(folder('snapshots')).toEqual([]);
  });
});

describe('images', () => {
  test('are found by name, tag, digest, id and the beginning of it', async () => {
    const image = await imageOfFiles(store, 'app:1', { a: '1' }, { Cmd: ['a'] });
    const names = [
      'app:1',
      'docker.io/library/app:1',
      `app@${image.manifest}`,
      image.id,
      image.id.slice(7, 19),
    ];
    expect(names.map((name) => findImage(store, name)?.id)).toEqual(Array(5).fill(image.id));
    expect(findImage(store, 'app')).toBeUndefined();
    expect(() => getImage(store, 'app')).toThrow('no such image: app:latest');
    expect(configOf(store, image).config.Cmd).toEqual(['a']);
    expect([image.size, image.tags]).toEqual([1, ['app:1']]);
  });

  test('index.json follows the tags', async () => {
    const image = await imageOfFiles(store, 'app:1', { a: '1' });
    tagImage(store, 'app:1', 'localhost:5000/x');
    const { manifests } = JSON.parse(readFileSync(join(store.root, 'index.json'), 'utf8'));
    expect(manifests).toHaveLength(2);
    expect(manifests[1]).toMatchObject({
      digest: image.manifest,
      size: Bun.file(blobPath(store, image.manifest)).size,
      annotations: { 'org.opencontainers.image.ref.name': 'localhost:5000/x:latest' },
    });
  });

  test('a tag that moves leaves the old image without a name', async () => {
    const old = await imageOfFiles(store, 'app', { a: '1' });
    await imageOfFiles(store, 'app', { a: '2' });
    expect(listImages(store).find(({ id }) => id === old.id)?.tags).toEqual([]);
  });

  test('rmi takes names one by one, then the image with what only it needs', async () => {
    const shared = await imageOfFiles(store, 'one', { a: '1' });
    tagImage(store, 'one', 'two');
    expect(removeImage(store, 'one')).toMatchObject({ untagged: ['one:latest'], deleted: [] });
    const active = prepare(store, shared.chainId);
    expect(removeImage(store, 'two').deleted).toEqual([shared.id]);
    expect(findSnapshot(store, shared.chainId as ChainId).size).toBe(1);
    discard(store, active);
    expect(collect(store)).toBeGreaterThan(0);
    expect([folder('snapshots'), folder('blobs/sha256')]).toEqual([[], []]);
  });

  test('rmi refuses an image that a container uses, or by id one with several names', async () => {
    const image = await imageOfFiles(store, 'app', { a: '1' });
    expect(() =>
      removeImage(store, 'app', { usedBy: () => [{ id: 'abc', running: false }] }),
    ).toThrow('container abc is using');
    tagImage(store, 'app', 'b');
    expect(() => removeImage(store, image.id)).toThrow('referenced in multiple repositories');
    expect(removeImage(store, image.id, { force: true }).untagged).toEqual([
      'app:latest',
      'b:latest',
    ]);
  });

  test('a store is opened again as it was', async () => {
    const image = await imageOfFiles(store, 'app', { a: '1' });
    expect(getImage(openStore(store.root), 'app')).toEqual(image);
  });
});
