import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf } from '../digest.ts';
import { LAYER_TYPES } from '../manifest.ts';
import { blobPath, type Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import {
  contents,
  directory,
  entry,
  link,
  listing,
  pax,
  record,
  symlink,
  tar,
  type Unpack,
  unpackTar,
} from './testing.ts';
import { readXattrs } from './xattr.ts';

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

/** A small layer of everything that is usual. */
const USUAL = tar(
  directory('etc', { mode: 0o755, mtime: 1_600_000_000_000_000_001n }),
  entry({ path: 'etc/motd', mtime: 1_234_567_890_123_456_789n, uid: 7, gid: 8 }, 'hello\n'),
  link('etc/twin', 'etc/motd'),
  symlink('bin', 'usr/bin'),
  entry({ path: 'usr/bin/su', mode: 0o4755, uid: 3_000_000_000 }, 'x'.repeat(700)),
);

const read = (at: string, path: string) => readFileSync(join(at, path), 'utf8');
const unpack = (archive: Buffer, about?: Unpack) => unpackTar(store, archive, about);

test('a layer becomes files with owner, mode, and time to the nanosecond', async () => {
  const { directory: at, size, opaque } = await unpack(USUAL);
  expect(await listing(at)).toBe(
    [
      'bin l 777 0:0 1.0000000000 usr/bin 1 7',
      'etc d 755 0:0 1600000000.0000000010  2 4096',
      'etc/motd f 644 7:8 1234567890.1234567890  2 6',
      'etc/twin f 644 7:8 1234567890.1234567890  2 6',
      'usr d 755 0:0 1.0000000000  3 4096',
      'usr/bin d 755 0:0 1.0000000000  2 4096',
      'usr/bin/su f 4755 3000000000:0 1.0000000000  1 700',
      '',
    ].join('\n'),
  );
  expect([size, opaque]).toEqual([706, []]);
});

test('its blob is kept as it came, and names its compression truly', async () => {
  const blob = gzipSync(USUAL);
  const snapshot = await unpack(USUAL, { blob, mediaType: LAYER_TYPES.none });
  expect(readFileSync(blobPath(store, digestOf(blob))).equals(blob)).toBe(true);
  expect(snapshot.blob).toEqual({
    ...{ mediaType: LAYER_TYPES.gzip, digest: digestOf(blob), size: blob.length },
  });
});

test.each([
  ['plain', (archive: Buffer) => archive],
  ['gzip of three members', inThreeMembers],
  ['zstd', (archive: Buffer) => zstdCompressSync(archive)],
  ['zstd of two frames', inTwoFrames],
  ['zstd after a frame for somebody else', skippable],
  ['gzip with garbage behind it', (archive: Buffer) => withTail(gzipSync(archive))],
])('%s is unpacked alike, in pieces of whatever size', async (_, compress) => {
  const blob = compress(USUAL);
  for (const pieces of [1, 511, 100_000]) {
    const other = temporaryStore();
    const { directory: at } = await unpackTar(other.store, USUAL, { blob, pieces });
    expect(read(at, 'etc/twin')).toBe('hello\n');
    expect(statSync(join(at, 'usr/bin/su')).size).toBe(700);
    other.remove();
  }
});

test('what is there already is not read', async () => {
  const first = await unpack(USUAL);
  const blob = gzipSync(USUAL, { level: 1 });
  const snapshot = await unpack(Buffer.from('never'), {
    ...{ blob: Buffer.from('never'), digest: digestOf(blob), diffId: digestOf(USUAL) },
  });
  expect(snapshot).toEqual(first);
});

test('the same layer in another blob gets that blob too', async () => {
  const first = await unpack(USUAL);
  const blob = zstdCompressSync(USUAL);
  expect(await unpack(USUAL, { blob })).toEqual(first);
  expect(existsSync(blobPath(store, digestOf(blob)))).toBe(true);
  expect(contents(store)).toHaveLength(3);
});

test('extended attributes are binary, and overlayfs hears no orders from a layer', async () => {
  const value = Uint8Array.from({ length: 256 }, (_, i) => i);
  const xattrs = new Map([
    ['user.all', value],
    ['trusted.overlay.redirect', Buffer.from('/etc')],
    ['com.apple.quarantine', Buffer.from('from a Mac')],
    ['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')],
  ]);
  const { directory: at } = await unpack(tar(entry({ path: 'f', xattrs, uid: 5, mode: 0o4755 })));
  const found = (await readXattrs(at, ['f'])).get('f');
  expect(found?.get('user.all')).toEqual(value);
  expect([...(found?.keys() ?? [])].sort()).toEqual(['security.capability', 'user.all']);
  expect(statSync(join(at, 'f')).mode & 0o7777).toBe(0o4755);
});

test('devices and fifos are made, also with two names', async () => {
  const archive = tar(
    entry({ path: 'null', type: 'character-device', mode: 0o666, device: { major: 1, minor: 3 } }),
    entry({ path: 'disk', type: 'block-device', device: { major: 259, minor: 70_000 } }),
    entry({ path: 'fifo', type: 'fifo', mode: 0o600 }),
    link('pipe', 'fifo'),
  );
  const { directory: at } = await unpack(archive);
  const stat = (name: string) => statSync(join(at, name));
  expect([stat('null').rdev, stat('null').mode & 0o7777]).toEqual([0x103, 0o666]);
  // makedev(3): twelve bits of the major number lie among the minor's.
  expect(stat('disk').rdev).toBe((0x111 << 20) | (259 << 8) | 0x70);
  expect(stat('pipe').ino).toBe(stat('fifo').ino);
});

test('later entries win, and a directory keeps what is in it', async () => {
  const archive = tar(
    directory('d', { mode: 0o700 }),
    entry({ path: 'd/kept' }),
    directory('d', { mode: 0o711 }),
    entry({ path: 'f' }, 'first'),
    entry({ path: 'f' }, 'second'),
    entry({ path: 'file-to-directory' }),
    directory('file-to-directory'),
    entry({ path: 'file-to-directory/in' }),
    entry({ path: 'directory-to-file/a/b' }, 'gone'),
    entry({ path: 'directory-to-file' }, 'a file'),
    entry({ path: 'F' }, 'another case'),
    link('f', 'f'),
  );
  const { directory: at, size } = await unpack(archive);
  expect(statSync(join(at, 'd')).mode & 0o777).toBe(0o711);
  expect(existsSync(join(at, 'd/kept'))).toBe(true);
  expect([read(at, 'f'), read(at, 'F')]).toEqual(['second', 'another case']);
  expect(existsSync(join(at, 'file-to-directory/in'))).toBe(true);
  expect(read(at, 'directory-to-file')).toBe('a file');
  expect(size).toBe('second'.length + 'a file'.length + 'another case'.length);
});

test('a setgid directory hands nothing down while it is filled', async () => {
  const archive = tar(
    directory('shared', { mode: 0o2775, gid: 50 }),
    entry({ path: 'shared/f' }),
    directory('shared/d'),
  );
  const { directory: at } = await unpack(archive);
  expect(statSync(join(at, 'shared/f')).gid).toBe(0);
  expect(statSync(join(at, 'shared/d')).mode & 0o7777).toBe(0o755);
  expect(statSync(join(at, 'shared')).mode & 0o7777).toBe(0o2775);
});

test('the root may say how it is itself', async () => {
  const { directory: at } = await unpack(tar(directory('.', { mode: 0o1777, uid: 9 })));
  expect([statSync(at).mode & 0o7777, statSync(at).uid]).toEqual([0o1777, 9]);
});

test('an empty layer is a layer', async () => {
  expect(await unpack(tar())).toMatchObject({ size: 0, opaque: [] });
  expect(await unpack(Buffer.alloc(0))).toMatchObject({ size: 0 });
});

test('a link in a path is followed inside of the root', async () => {
  const archive = tar(
    symlink('lib', '/usr/lib'),
    directory('usr/lib'),
    entry({ path: 'lib/a' }, 'a'),
    symlink('up', '../../../usr/../usr/lib'),
    entry({ path: 'up/b' }, 'b'),
  );
  const { directory: at } = await unpack(archive);
  expect([read(at, 'usr/lib/a'), read(at, 'usr/lib/b')]).toEqual(['a', 'b']);
  expect(readlinkSync(join(at, 'lib'))).toBe('/usr/lib');
});

test('PAX records for all entries hold until one says otherwise', async () => {
  const archive = tar(
    pax(
      record('uid', '77') + record('mtime', '12.000000345') + record('SCHILY.xattr.user.a', 'b'),
      'g',
    ),
    entry({ path: 'f' }),
    pax(record('uid', '78')),
    entry({ path: 'g' }),
    pax(record('mtime', ''), 'g'),
    entry({ path: 'h' }),
  );
  const { directory: at } = await unpack(archive);
  const stat = (name: string) => statSync(join(at, name), { bigint: true });
  expect([stat('f').uid, stat('g').uid, stat('h').uid]).toEqual([77n, 78n, 77n]);
  expect([stat('g').mtimeNs, stat('h').mtimeNs]).toEqual([12_000_000_345n, 1_000_000_000n]);
  expect([...(await readXattrs(at, ['f', 'g', 'h'])).keys()]).toEqual(['f', 'g', 'h']);
});

test('six thousand files with long names and times of their own', async () => {
  const deep = `${'d'.repeat(200)}/`.repeat(12);
  const parts = Array.from({ length: 6000 }, (_, i) =>
    entry({ path: `${deep}${i}`, mtime: BigInt(i) * 1_000_000_001n }, String(i)),
  );
  const { directory: at } = await unpack(tar(...parts));
  expect(read(at, `${deep}5999`)).toBe('5999');
  expect(statSync(join(at, `${deep}5999`), { bigint: true }).mtimeNs).toBe(5999_000_005_999n);
}, 30_000);

function inThreeMembers(archive: Buffer): Buffer {
  const cut = [0, 700, 701, archive.length];
  return Buffer.concat([0, 1, 2].map((i) => gzipSync(archive.subarray(cut[i], cut[i + 1]))));
}

function inTwoFrames(archive: Buffer): Buffer {
  const parts = [archive.subarray(0, 1000), archive.subarray(1000)];
  return Buffer.concat(parts.map((part) => zstdCompressSync(part)));
}

/** RFC 8878, 3.1.2 */
function skippable(archive: Buffer): Buffer {
  const frame = Buffer.from('502a4d18040000006d656d6f', 'hex');
  return Buffer.concat([frame, zstdCompressSync(archive)]);
}

function withTail(blob: Buffer): Buffer {
  return Buffer.concat([blob, Buffer.alloc(512), Buffer.from('garbage')]);
}
