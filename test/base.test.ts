import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import {
  collect,
  configOf,
  getImage,
  openStore,
  removeImage,
  resolveImage,
  type Store,
  stackOf,
} from '../src/image/index.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { needTools } from './tools.ts';

let root: string;
let remove: () => void;
let store: Store;

beforeAll(async () => {
  needTools('skopeo', 'umoci');
  ({ root, remove } = await freshBaseRoot());
  store = openStore(root);
}, BASE_TIMEOUT);

afterAll(() => remove(), BASE_TIMEOUT);

const layer = () => stackOf(store, getImage(store, 'debian:bookworm').chainId)[0]?.directory ?? '';

test('debian:bookworm is Debian 12, says where it came from, and is found again', async () => {
  const image = await resolveImage(store, 'debian:bookworm');
  expect(readFileSync(join(layer(), 'etc/os-release'), 'utf8')).toContain('VERSION_ID="12"');
  const { config } = configOf(store, image);
  expect(config.Cmd).toEqual(['bash']);
  expect(config.Labels?.['dev.cloche.base']).toStartWith('made on this machine');
});

test('nothing of this machine and no caches are in the base', () => {
  for (const path of ['dev', 'run', 'tmp', 'var/log', 'proc', 'sys'])
    expect([path, readdirSync(join(layer(), path))]).toEqual([path, []]);
  for (const path of ['etc/hostname', 'etc/resolv.conf', 'etc/machine-id'])
    expect([path, statSync(join(layer(), path)).size]).toEqual([path, 0]);
  expect(readdirSync(join(layer(), 'var/cache/apt/archives'))).toEqual(['partial']);
  expect(existsSync(join(layer(), 'etc/apt/sources.list'))).toBe(false);
});

test('skopeo and umoci read the store as an OCI layout', async () => {
  const shown = await $`skopeo inspect oci:${root}:debian:bookworm`.json();
  const image = getImage(store, 'debian:bookworm');
  expect(shown.Digest).toBe(image.manifest);
  const stat = await $`umoci stat --json --image ${root}:debian:bookworm`.json();
  expect(stat.history).toHaveLength(1);
});

test('umoci unpacks from our blob what the snapshot holds', async () => {
  const bundle = join(root, 'bundle');
  await $`umoci unpack --image ${root}:debian:bookworm ${bundle}`.quiet();
  const differences = await $`diff -r --no-dereference ${layer()} ${join(bundle, 'rootfs')}`.text();
  expect(differences).toBe('');
  for (const path of ['usr/bin/passwd', 'var/mail', 'etc/shadow', 'root', 'tmp']) {
    const [ours, theirs] = [layer(), join(bundle, 'rootfs')].map((at) => statSync(join(at, path)));
    const facts = (stat = ours) => [stat?.mode, stat?.uid, stat?.gid, stat?.mtimeMs];
    expect([path, ...facts(theirs)]).toEqual([path, ...facts(ours)]);
  }
}, 60_000);

test('a removed base frees its snapshot and blobs', async () => {
  const removed = removeImage(store, 'debian:bookworm');
  expect(removed.untagged).toEqual(['debian:bookworm']);
  expect(readdirSync(join(root, 'snapshots'))).toEqual([]);
  expect(readdirSync(join(root, 'blobs/sha256'))).toEqual([]);
  expect(collect(store)).toBe(0);
});
