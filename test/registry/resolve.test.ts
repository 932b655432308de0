import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClocheError } from '../../src/error.ts';
import { mirrorFor } from '../../src/image/bases/debian/mirror.ts';
import {
  getImage,
  openStore,
  type PullPolicy,
  resolveImage,
  standIn,
  tagImage,
} from '../../src/image/index.ts';
import { parseReference } from '../../src/image/reference.ts';
import { attemptPull, isOutOfReach } from '../../src/image/registry/attempt.ts';
import { PATIENCE } from '../../src/image/registry/patience.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { BASE_TIMEOUT, freshBaseRoot } from '../base.ts';
import { cloche, clocheWith } from '../cli.ts';
import { failing, page } from './answers.ts';
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

test.each([
  ['a limit', () => failing(429), 'REGISTRY_RATE_LIMITED', false, false],
  ['a refusal', () => failing(403), 'REGISTRY_DENIED', false, false],
  ['a missing image', () => failing(404), 'REGISTRY_NOT_FOUND', false, false],
  ['a fault', () => failing(503), 'REGISTRY_FAILED', false, false],
  ["a hotel's page", () => page(403), 'REGISTRY_REFUSED', true, false],
  ['no registry', () => page(403), 'REGISTRY_INVALID', true, true],
] as const)(
  'of %s, only what no registry says counts as being out of its reach',
  async (_, answer, code, isOut, atOnce) => {
    const { store, remove } = temporaryStore();
    using server = Bun.serve({
      port: 0,
      fetch: ({ url }: Request) =>
        !atOnce && url.endsWith('/v2/') ? new Response('{}') : answer(),
    });
    const patience = { ...PATIENCE, attempts: 1 };
    const name = parseReference(`127.0.0.1:${server.port}/library/alpine:3`);
    const reason = await attemptPull(store, name, { patience });
    if (!(reason instanceof ClocheError)) throw new Error('it was pulled');
    expect([reason.code, isOutOfReach(reason)]).toEqual([code, isOut]);
    remove();
  },
);

test.each([
  ['REGISTRY_RATE_LIMITED', 'alpine:3', 'REGISTRY_RATE_LIMITED', 'why'],
  ['REGISTRY_FAILED', 'alpine:3', 'REGISTRY_FAILED', 'why'],
  ['REGISTRY_NOT_FOUND', 'alpine:3', 'IMAGE_NOT_FOUND', 'nor to pull it: why'],
  ['REGISTRY_UNREACHABLE', 'alpine:77', 'IMAGE_NOT_FOUND', 'nor to pull it: why'],
])('after %s nothing is made for %s, and %s says why', async (answer, name, code, message) => {
  const { store, remove } = temporaryStore();
  const lines: string[] = [];
  const made = standIn(store, parseReference(name), new ClocheError(answer, 'why'), {
    onProgress: ({ text }) => lines.push(text),
  });
  await expect(made).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  expect(lines).toEqual([]);
  remove();
});

test('pull of a base out of reach makes its stand-in, once, and says so even when quiet', async () => {
  const { store, remove } = temporaryStore();
  // Nothing listens there, whatever network this machine has.
  const proxies = { HTTPS_PROXY: 'http://127.0.0.1:9', https_proxy: 'http://127.0.0.1:9' };
  const { sources } = await mirrorFor('bookworm');
  const mirrors = sources.map(({ uri }) => new URL(uri).hostname).join(',');
  const pull = (...args: string[]) =>
    clocheWith(store.root, ['pull', ...args], { ...proxies, NO_PROXY: mirrors, no_proxy: mirrors });
  const first = await pull('-q', 'busybox:1');
  expect(first).toMatchObject({ code: 0, out: 'docker.io/library/busybox:1\n' });
  expect(first.err).toBe("made busybox:1 on this machine, it is not the registry's\n");
  const again = await pull('busybox:1');
  expect(again).toMatchObject({ code: 0, err: '' });
  expect(again.out).toContain('cannot pull busybox:1: ');
  expect(again.out).toContain('using the busybox:1 that is here\n');
  expect((await pull('nobody/knows')).code).toBe(1);
  remove();
}, 120_000);

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
