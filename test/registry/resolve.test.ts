import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  getImage,
  openStore,
  type PullPolicy,
  resolveImage,
  tagImage,
} from '../../src/image/index.ts';
import { parseReference } from '../../src/image/reference.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { BASE_TIMEOUT, freshBaseRoot } from '../base.ts';
import { cloche } from '../cli.ts';
import { startRegistry, type TestRegistry } from './registry.ts';

/** How an image that is not here comes: from its registry, if that answers. */
let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
}, 120_000);

afterAll(() => registry.stop());

/** Makes the registry a mirror of Docker Hub for a state directory. */
function mirror(root: string): void {
  const registries = { 'docker.io': { mirrors: [`http://${registry.address}`] } };
  writeFileSync(join(root, 'config.json'), JSON.stringify({ registries }));
}

test('with Docker Hub in reach debian:bookworm is the real one and is not made here', async () => {
  const { store, remove } = temporaryStore();
  mirror(store.root);
  const ours = await imageOfFiles(store, 'mine:1', { 'etc/motd': 'from the Hub' });
  tagImage(store, 'mine:1', `${registry.address}/library/debian:bookworm`);
  await pushImages(store, [parseReference(`${registry.address}/library/debian:bookworm`)]);
  const lines: string[] = [];
  const image = await resolveImage(store, 'debian:bookworm', {
    onProgress: ({ text }) => lines.push(text),
  });
  expect(image.manifest).toBe(ours.manifest);
  expect(lines[0]).toBe('bookworm: Pulling from library/debian');
  expect(getImage(store, 'debian:bookworm').id).toBe(ours.id);
  remove();
});

test('a registry that does not answer costs two seconds, once', async () => {
  const { store, remove } = temporaryStore();
  const silent = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: () => undefined } });
  const name = `127.0.0.1:${silent.port}/x`;
  const attempt = async () => {
    const began = performance.now();
    await expect(resolveImage(store, name)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('locally, nor to pull it:'),
    });
    return performance.now() - began;
  };
  expect(await attempt()).toBeLessThan(4500);
  expect(await attempt()).toBeLessThan(100);
  silent.stop(true);
  remove();
}, 20_000);

test('pull policies: never asks nobody, always asks although it is here', async () => {
  const { store, remove } = temporaryStore();
  const name = `${registry.address}/policy:1`;
  await imageOfFiles(store, name, { 'etc/motd': 'old' });
  const old = getImage(store, name);
  await pushImages(store, [parseReference(name)]);
  const mine = await imageOfFiles(store, name, { 'etc/motd': 'new' });
  const resolved = async (pull?: PullPolicy) => (await resolveImage(store, name, { pull })).id;
  expect([await resolved(), await resolved('never')]).toEqual([mine.id, mine.id]);
  expect(await resolved('always')).toBe(old.id);
  const absent = `${registry.address}/policy:2`;
  await expect(resolveImage(store, absent, { pull: 'never' })).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: `no such image: ${absent}`,
  });
  const platform = { os: 'linux', architecture: 's390x' };
  await expect(resolveImage(store, name, { platform })).rejects.toMatchObject({
    message: expect.stringContaining('does not match the specified platform'),
  });
  remove();
});

test(
  'run pulls what is not here, and runs it',
  async () => {
    const base = await freshBaseRoot();
    const name = `${registry.address}/debian:1`;
    const store = openStore(base.root);
    tagImage(store, 'debian:bookworm', name);
    await pushImages(store, [parseReference(name)]);
    const root = mkdtempSync(join(tmpdir(), 'cloche-pulled-'));
    const words = ['run', '--rm', '--network', 'none', name, 'cat', '/etc/debian_version'];
    const { code, out, err } = await cloche(root, words);
    expect([code, out]).toEqual([0, expect.stringMatching(/^12\./)]);
    expect(err).toContain('1: Pulling from debian\n');
    rmSync(root, { recursive: true });
    base.remove();
  },
  BASE_TIMEOUT,
);
