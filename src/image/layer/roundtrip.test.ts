import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { perform } from '../../linux/perform.ts';
import { call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import type { Store } from '../store.ts';
import { temporaryStore, writeFiles } from '../testing.ts';
import { listing, unpackTar } from './testing.ts';
import { readXattrs, writeXattrs } from './xattr.ts';

let store: Store;
let remove: () => void;
let tree: string;

beforeEach(async () => {
  ({ store, remove } = temporaryStore());
  tree = mkdtempSync(join(tmpdir(), 'cloche-tree-'));
  await grow(tree);
});
afterEach(() => {
  remove();
  rmSync(tree, { recursive: true });
});

/** Everything that a file system can hold, on which the forms of tar differ. */
async function grow(at: string): Promise<void> {
  writeFiles(at, {
    'etc/motd': 'hello\n',
    none: { mode: 0, content: 'x' },
    suid: { mode: 0o6755, content: '' },
    'link to nowhere': '-> ../../../etc/shadow',
    [`${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(200)}`]: 'long',
    'to a long one': `-> ${'t'.repeat(150)}`,
    'größe/ß': 'utf-8',
  });
  mkdirSync(join(at, 'sticky'));
  await $`chmod 3777 sticky && chown 1000:50 etc/motd && chown 3000000000:2500000000 none`.cwd(at);
  withHoles(join(at, 'sparse'), [5_000_000], 9_000_000);
  withHoles(
    join(at, 'holes'),
    [...Array(50).keys()].map((i) => i * 1_000_000),
    49_000_005,
  );
  linkSync(join(at, 'etc/motd'), join(at, 'hard'));
  const device = [flags('AT_FDCWD'), text(join(at, 'null')), mode(0o20666), 0x103] as const;
  const fifo = [flags('AT_FDCWD'), text(join(at, 'fifo')), mode(0o10640), 0] as const;
  const steps = [call('mknodat', device, 'a device'), call('mknodat', fifo, 'a fifo')];
  await perform(plan('special files', steps));
  await $`/usr/bin/touch -hd '2001-02-03 04:05:06.123456789' etc/motd null 'link to nowhere' sticky`.cwd(
    at,
  );
}

function withHoles(path: string, offsets: readonly number[], size: number): void {
  const fd = openSync(path, 'w');
  for (const offset of offsets) writeSync(fd, 'piece', offset);
  ftruncateSync(fd, size);
  closeSync(fd);
}

/** Bytes that it takes on the disk. */
const room = (path: string) => statSync(path).blocks * 512;

/** What a form cannot say is not compared: `keep` takes it out of both. */
async function alike(archive: ArrayBuffer, keep: (line: string) => string): Promise<string> {
  const { directory } = await unpackTar(store, Buffer.from(archive));
  const lines = async (at: string) => (await listing(at)).split('\n').map(keep);
  expect(await lines(directory)).toEqual(await lines(tree));
  for (const name of ['sparse', 'holes'])
    expect(readFileSync(join(directory, name)).equals(readFileSync(join(tree, name)))).toBe(true);
  return directory;
}

const all = (line: string) => line;
/** A directory's size is its file system's own affair; ours has the same files in another order. */
const wholeSeconds = (line: string) => line.replace(/\.\d{10}/, '');

test.each(['0.0', '0.1', '1.0'])('GNU tar, PAX with sparse files in form %s', async (version) => {
  const packed =
    await $`tar --format=pax --sparse --sparse-version=${version} --numeric-owner -cf - .`
      .cwd(tree)
      .arrayBuffer();
  const directory = await alike(packed, all);
  expect(room(join(directory, 'sparse'))).toBeLessThan(100_000);
  expect(room(join(directory, 'holes'))).toBeLessThan(400_000);
});

test('GNU tar, its own form: long names, base-256 owners, sparse files', async () => {
  const packed = await $`tar --format=gnu --sparse --numeric-owner -cf - .`.cwd(tree).arrayBuffer();
  const directory = await alike(packed, wholeSeconds);
  expect(room(join(directory, 'sparse'))).toBeLessThan(100_000);
});

test('GNU tar, its old form', async () => {
  await $`/bin/rm -r ${'d'.repeat(90)} 'to a long one' && chown 0:0 none`.cwd(tree);
  const packed = await $`tar --format=oldgnu --sparse -cf - .`.cwd(tree).arrayBuffer();
  await alike(packed, wholeSeconds);
});

test('ustar, whose long names are in two fields', async () => {
  await $`chown 0:0 none && /bin/rm 'to a long one' && /bin/rm ${'d'.repeat(90)}/*/*`.cwd(tree);
  const packed = await $`tar --format=ustar -cf - .`.cwd(tree).arrayBuffer();
  await alike(packed, wholeSeconds);
});

test('V7, as old as it gets', async () => {
  await $`/bin/rm -r ${'d'.repeat(90)} 'to a long one' null fifo && chown 0:0 none`.cwd(tree);
  const packed = await $`tar --format=v7 -cf - .`.cwd(tree).arrayBuffer();
  await alike(packed, wholeSeconds);
});

test('extended attributes, as GNU tar writes and reads them', async () => {
  const binary = Uint8Array.from({ length: 200 }, (_, i) => 255 - i);
  const xattrs = new Map([
    ['user.binary', binary],
    ['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')],
    ['user.empty', new Uint8Array()],
  ]);
  await writeXattrs(new Map([[join(tree, 'etc/motd'), xattrs]]));
  const packed = await $`tar --xattrs ${'--xattrs-include=*'} -cf - .`.cwd(tree).arrayBuffer();
  const directory = await alike(packed, all);
  const theirs = mkdtempSync(join(tmpdir(), 'cloche-theirs-'));
  await $`tar --xattrs ${'--xattrs-include=*'} -xpf - -C ${theirs} < ${Buffer.from(packed)}`;
  const [ours, gnu] = [await readXattrs(directory, ['hard']), await readXattrs(theirs, ['hard'])];
  rmSync(theirs, { recursive: true });
  expect(ours.get('hard')?.get('user.binary')).toEqual(binary);
  expect(ours).toEqual(gnu);
});

test('what our own writer packs is unpacked to the same', async () => {
  const { archive, readChangeset } = await import('./archive.ts');
  await alike(Buffer.concat([...archive(await readChangeset(tree))]).buffer as ArrayBuffer, all);
});
