import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { $ } from 'bun';
import { extract, type Header } from 'tar-stream';
import { perform } from '../../linux/perform.ts';
import { call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import { digestOf } from '../digest.ts';
import { blobPath, type Store } from '../store.ts';
import { temporaryStore, writeFiles } from '../testing.ts';
import { archive, readChangeset } from './archive.ts';
import { writeLayer } from './write.ts';
import { readXattrs, writeXattrs } from './xattr.ts';

let store: Store;
let removeStore: () => void;
let upper: string;

beforeEach(() => {
  ({ store, remove: removeStore } = temporaryStore());
  upper = mkdtempSync(join(tmpdir(), 'cloche-upper-'));
});

afterEach(() => {
  removeStore();
  rmSync(upper, { recursive: true });
});

const tarOf = async (directory = upper) =>
  Buffer.concat([...archive(await readChangeset(directory))]);

/** The archive as another reader sees it. */
async function entriesOf(tar: Buffer): Promise<Header[]> {
  const headers: Header[] = [];
  const reader = extract();
  reader.on('entry', (header, stream, next) => {
    headers.push(header);
    stream.on('end', next).resume();
  });
  await new Promise<void>((resolve, reject) => {
    reader.on('finish', () => resolve()).on('error', reject);
    reader.end(tar);
  });
  return headers;
}

/** A whiteout is a character device, and only root makes those: by a plan. */
const whiteout = (path: string) =>
  perform(
    plan('whiteout', [
      call('mknodat', [flags('AT_FDCWD'), text(join(upper, path)), mode(0o20000), 0], 'test'),
    ]),
  );

test('the same files give the same tar and the same blob, in whatever order they were made', async () => {
  writeFiles(upper, { b: '1', 'a/z': '2', 'a/y': '3', 'a.txt': '4' });
  const other = mkdtempSync(join(tmpdir(), 'cloche-upper-'));
  writeFiles(other, { 'a.txt': '4', 'a/y': '3', 'a/z': '2', b: '1' });
  for (const directory of [upper, other])
    for (const path of ['b', 'a.txt', 'a/y', 'a/z', 'a'])
      utimesSync(join(directory, path), 5, 5.25);
  const [one, two] = [await tarOf(upper), await tarOf(other)];
  rmSync(other, { recursive: true });
  expect(digestOf(one)).toBe(digestOf(two));
  expect(digestOf(one)).toBe(digestOf(await tarOf()));
  expect((await entriesOf(one)).map(({ name }) => name)).toEqual([
    'a/',
    'a/y',
    'a/z',
    'a.txt',
    'b',
  ]);
});

test('plain files give byte for byte what GNU tar writes as ustar', async () => {
  writeFiles(upper, { 'etc/motd': 'hello\n', 'etc/link': '-> motd', [`${'a'.repeat(99)}`]: '' });
  for (const path of ['etc/motd', 'etc', 'a'.repeat(99)])
    utimesSync(join(upper, path), 1_700_000_000, 1_700_000_000);
  lutimesSync(join(upper, 'etc/link'), 1_700_000_000, 1_700_000_000);
  const names = ['a'.repeat(99), 'etc', 'etc/link', 'etc/motd'];
  const theirs = await $`tar --format=ustar -b1 --numeric-owner --no-recursion -cf - ${names}`
    .cwd(upper)
    .arrayBuffer();
  expect((await tarOf()).equals(Buffer.from(theirs))).toBe(true);
});

test('a layer in the store has the digest of its gzip and the diffID of its tar', async () => {
  writeFiles(upper, { 'etc/motd': 'hello\n', big: 'x'.repeat(3_000_000) });
  const layer = await writeLayer(store, await readChangeset(upper));
  const blob = readFileSync(blobPath(store, layer.blob.digest));
  expect(digestOf(blob)).toBe(layer.blob.digest);
  expect(digestOf(gunzipSync(blob)) as string).toBe(layer.diffId);
  expect(gunzipSync(blob).equals(await tarOf())).toBe(true);
  expect([layer.size, layer.blob.size]).toEqual([3_000_006, blob.length]);
});

test('system tar unpacks exactly what was packed, capabilities and nanoseconds too', async () => {
  const long = `${'d'.repeat(90)}/${'e'.repeat(200)}`;
  writeFiles(upper, {
    [long]: 'long',
    none: { mode: 0, content: 'x' },
    suid: { mode: 0o4755, content: '' },
    link: '-> ../../etc',
    empty: '',
  });
  linkSync(join(upper, 'suid'), join(upper, 'twin'));
  utimesSync(join(upper, 'empty'), 12.5, 0.000001);
  lutimesSync(join(upper, 'link'), 1e9, 1e9 + 0.25);
  const capability = Uint8Array.of(
    1,
    0,
    0,
    2,
    0xff,
    4,
    0,
    0,
    0,
    0,
    0,
    0,
    0x80,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  );
  await writeXattrs(
    new Map([[join(upper, 'empty'), new Map([['security.capability', capability]])]]),
  );
  await perform(
    plan('special', [
      call(
        'mknodat',
        [flags('AT_FDCWD'), text(join(upper, 'null')), mode(0o20666), 0x103],
        'a device',
      ),
      call('mknodat', [flags('AT_FDCWD'), text(join(upper, 'fifo')), mode(0o10644), 0], 'a fifo'),
    ]),
  );
  const target = mkdtempSync(join(tmpdir(), 'cloche-unpacked-'));
  await $`tar -xpC ${target} --xattrs ${'--xattrs-include=*'} < ${await tarOf()}`;
  const list = String.raw`find . -mindepth 1 -printf '%P %y %m %U:%G %T@ %l %n\n' | sort`;
  const [ours, theirs] = [
    await $`sh -c ${list}`.cwd(upper).text(),
    await $`sh -c ${list}`.cwd(target).text(),
  ];
  expect(theirs).toBe(ours);
  expect((await readXattrs(target, ['empty'])).get('empty')?.get('security.capability')).toEqual(
    capability,
  );
  expect((await $`stat -c %t:%T ${join(target, 'null')}`.text()).trim()).toBe('1:3');
  rmSync(target, { recursive: true });
});

test('a whiteout becomes a .wh. file, an opaque directory has a marker in it', async () => {
  writeFiles(upper, { 'opaque/new': '' });
  mkdirSync(join(upper, 'dir'));
  await whiteout('dir/gone');
  await whiteout('top');
  const yes = new Map([
    ['trusted.overlay.opaque', Buffer.from('y')],
    ['trusted.overlay.origin', Buffer.from('x')],
  ]);
  await writeXattrs(new Map([[join(upper, 'opaque'), yes]]));
  const entries = await entriesOf(await tarOf());
  expect(entries.map(({ name, size }) => `${name} ${size}`)).toEqual([
    'dir/ 0',
    'dir/.wh.gone 0',
    'opaque/ 0',
    'opaque/.wh..wh..opq 0',
    'opaque/new 0',
    '.wh.top 0',
  ]);
  expect(entries.find(({ name }) => name === 'opaque/')?.pax ?? {}).not.toHaveProperty(
    'SCHILY.xattr.trusted.overlay.origin',
  );
});

test('a rename that overlayfs only noted is refused, not lost', async () => {
  mkdirSync(join(upper, 'moved'));
  await writeXattrs(
    new Map([[join(upper, 'moved'), new Map([['trusted.overlay.redirect', Buffer.from('old')]])]]),
  );
  await expect(readChangeset(upper)).rejects.toMatchObject({ code: 'LAYER_REDIRECT' });
});

test('large numbers go where ustar has no room: owners, and times before 1970', async () => {
  writeFileSync(join(upper, 'f'), '');
  await $`chown 3000000000:2500000000 ${join(upper, 'f')}`;
  await $`/usr/bin/touch -d ${'1969-12-31 23:59:58.75 UTC'} ${join(upper, 'f')}`;
  const [entry] = await entriesOf(await tarOf());
  expect(entry?.pax).toMatchObject({ uid: '3000000000', gid: '2500000000', mtime: '-1.250000000' });
});

test('thousands of files with long names fit into plans', async () => {
  const deep = `${'d'.repeat(200)}/`.repeat(12);
  const files = Array.from({ length: 6000 }, (_, i) => [`${deep}${i}`, ''] as const);
  writeFiles(upper, Object.fromEntries(files));
  const last = `${deep}5999`;
  const attribute = new Map([['user.last', Buffer.from('one')]]);
  await writeXattrs(new Map([[join(upper, last), attribute]]));
  const { xattrs, entries } = await readChangeset(upper);
  expect(entries).toHaveLength(6012);
  expect([...xattrs.keys()]).toEqual([last]);
}, 30_000);

test('a socket is left out', async () => {
  const server = Bun.listen({ unix: join(upper, 'socket'), socket: { data() {} } });
  expect((await readChangeset(upper)).entries).toEqual([]);
  server.stop();
});
