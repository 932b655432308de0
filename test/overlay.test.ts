import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { buildImage, type RunSpec } from '../src/build/index.ts';
import {
  children,
  collect,
  find,
  type Image,
  type Node,
  openStore,
  removeImage,
  type Store,
  type Tree,
  treeOf,
} from '../src/image/index.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { needTools } from './tools.ts';

/** What overlayfs records in an upper directory when a shell does this, in two layers. */
const FIRST = `
rm /etc/issue && rm -r /usr/share/doc/bash
rm -r /etc/skel && mkdir /etc/skel && echo new > /etc/skel/only
mv /etc/debian_version /etc/moved
echo one > /root/one && ln /root/one /root/two && ln -s one /root/link
touch -d '2001-02-03 04:05:06.123456789' /root/old
mkdir -m 1777 /root/sticky && mknod -m 600 /root/device c 1 3 && mkfifo /root/fifo
echo none > /root/none && chmod 0000 /root/none && chown 123456789:7 /root/none
cp /bin/true /root/suid && chmod 4755 /root/suid
echo x > "/root/$(printf 'latin1-\\351')"
mkdir -p /root/${'long/'.repeat(60)} && echo deep > /root/${'long/'.repeat(60)}file
mkdir /opt/gone && echo x > /opt/gone/x`;
const SECOND = `
rm -r /opt/gone /etc/skel && echo file > /opt/gone
rm /root/one && echo changed >> /root/two
mkdir /usr/share/doc/bash && echo again > /usr/share/doc/bash/again`;

let root: string;
let remove: () => void;
let store: Store;
let image: Image;
let merged: string;

/** RUN by the tools of util-linux; what the kernel showed at the end is noted. */
async function run({ snapshot, argv }: RunSpec): Promise<number> {
  const at = join(root, 'tmp', 'merged');
  mkdirSync(at, { recursive: true });
  const options = `lowerdir=${snapshot.lower.join(':')},upperdir=${snapshot.upper},workdir=${snapshot.work}`;
  const script = `mount -t overlay -o ${options} none ${at} && chroot ${at} "$@" && cd ${at} && ${LIST}`;
  const { stdout, exitCode } = await $`unshare -m sh -c ${script} sh ${argv}`.quiet().nothrow();
  merged = stdout.toString('latin1');
  return exitCode;
}

const LIST = String.raw`find . -mindepth 1 -printf '%P|%y|%m|%U:%G|%T@|%l\n' | LC_ALL=C sort`;

beforeAll(async () => {
  needTools('umoci');
  ({ root, remove } = await freshBaseRoot());
  store = openStore(root);
  const context = join(root, 'context');
  mkdirSync(context);
  const scripts = [FIRST, SECOND].map(
    (script) => `RUN set -e; ${script.trim().replaceAll('\n', '; ')}`,
  );
  writeFileSync(join(context, 'Dockerfile'), ['FROM debian:bookworm', ...scripts].join('\n'));
  image = await buildImage(store, { context, run, tags: ['changed'] });
}, BASE_TIMEOUT);

afterAll(() => remove());

test('our tree shows what the kernel’s overlay showed', () => {
  const tree = treeOf(store, image.chainId);
  expect(listing(tree)).toBe(merged);
  expect(merged).toContain('root/latin1-\xe9|f|644');
  expect(merged).toContain('root/none|f|0|123456789:7');
  expect(merged).not.toContain('opt/gone/x');
});

test('the layers as tar say the same to umoci', async () => {
  const bundle = join(root, 'bundle');
  await $`umoci unpack --image ${root}:changed:latest ${bundle}`.quiet();
  const unpacked = await $`sh -c ${LIST}`.cwd(join(bundle, 'rootfs')).quiet();
  expect(unpacked.stdout.toString('latin1')).toBe(merged);
  const [one, two] = ['root/two', 'root/suid'].map((path) => join(bundle, 'rootfs', path));
  expect(await $`cat ${one}`.text()).toBe('one\nchanged\n');
  expect(await $`cmp ${two} ${join(bundle, 'rootfs/bin/true')}`.text()).toBe('');
}, 60_000);

test('removing the image frees its layers and leaves the base', async () => {
  const before = (await $`ls ${root}/snapshots`.text()).split('\n').length;
  removeImage(store, 'changed');
  expect((await $`ls ${root}/snapshots`.text()).split('\n')).toHaveLength(before);
  store.db.run('DELETE FROM cache');
  expect(collect(store)).toBeGreaterThan(0);
  expect((await $`ls ${root}/snapshots`.text()).split('\n')).toHaveLength(before - 2);
});

/** As `LIST` prints it. */
function listing(tree: Tree): string {
  const lines: string[] = [];
  const visit = (node: Node) => {
    const { stat, kind, path, target } = node;
    const type = { file: 'f', directory: 'd', symlink: 'l', fifo: 'p' }[kind as string] ?? kind[0];
    const time = `${stat.mtimeNs / 1_000_000_000n}.${String(stat.mtimeNs % 1_000_000_000n).padStart(9, '0')}0`;
    const mode = Number(stat.mode & 0o7777n).toString(8);
    lines.push(`${path}|${type}|${mode}|${stat.uid}:${stat.gid}|${time}|${target ?? ''}\n`);
    if (kind === 'directory') for (const child of children(tree, node)) visit(child);
  };
  const top = find(tree, '');
  for (const child of top === undefined ? [] : children(tree, top)) visit(child);
  return lines.sort().join('');
}
