import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { END } from './header.ts';
import {
  contents,
  directory,
  entry,
  link,
  pax,
  record,
  symlink,
  tar,
  unpackTar,
  withField,
} from './testing.ts';

let store: Store;
let remove: () => void;
/** What no archive may reach: a directory with a file in it. */
let outside: string;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
  outside = mkdtempSync(join(tmpdir(), 'cloche-outside-'));
  writeFileSync(join(outside, 'secret'), 'untouched');
});
afterEach(() => {
  expect(readdirSync(outside)).toEqual(['secret']);
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched');
  remove();
  rmSync(outside, { recursive: true });
});

const unpack = (...parts: Buffer[]) => unpackTar(store, tar(...parts));
const UP = '../'.repeat(30);

async function refused(archive: Buffer, message: string): Promise<void> {
  const error = await unpackTar(store, archive).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'LAYER_INVALID' });
  expect((error as Error).message).toContain(message);
  expect(contents(store)).toEqual([]);
}

test.each(['../x', 'a/../../x', '..', '/../../x', `${UP}tmp/x`, 'a/../..'])(
  'the name %s is refused',
  (path) => refused(tar(entry({ path })), 'leads out of its root'),
);

test('absolute names, . and .. that stay inside mean what they mean below the root', async () => {
  const at = await unpack(entry({ path: '/etc/./x/../motd' }, 'hi'), entry({ path: '//a//b' }));
  expect(readFileSync(join(at.directory, 'etc/motd'), 'utf8')).toBe('hi');
  expect(existsSync(join(at.directory, 'a/b'))).toBe(true);
  expect(existsSync(join(at.directory, 'etc/x'))).toBe(false);
});

test('a link out of the root in the middle of a path leads to the root', async () => {
  const parts = [
    symlink('absolute', outside),
    symlink('relative', `${UP}${outside}`),
    symlink('parent', '..'),
    symlink('slash', '/'),
  ];
  for (const name of ['absolute', 'relative', 'parent', 'slash'])
    parts.push(entry({ path: `${name}/secret` }, 'overwritten'), directory(`${name}/d`));
  const { directory: at } = await unpack(...parts);
  expect(readFileSync(join(at, outside, 'secret'), 'utf8')).toBe('overwritten');
  expect(readFileSync(join(at, 'secret'), 'utf8')).toBe('overwritten');
});

test('a link that became a directory, and a directory that became a link', async () => {
  const { directory: at } = await unpack(
    directory('x'),
    entry({ path: 'x/secret', mtime: 5n }, 'mine'),
    // Owner, mode and time of x/secret must not go through this.
    symlink('x', outside),
    symlink('y', outside),
    directory('y', { mode: 0o700 }),
    entry({ path: 'y/secret' }, 'mine'),
  );
  expect(readFileSync(join(at, 'y/secret'), 'utf8')).toBe('mine');
});

test('a file over a link to the outside replaces the link', async () => {
  const { directory: at } = await unpack(
    symlink('file', join(outside, 'secret')),
    entry({ path: 'file', mode: 0o777, uid: 1 }, 'mine'),
  );
  expect(readFileSync(join(at, 'file'), 'utf8')).toBe('mine');
});

test('a hard link to the outside is refused, also through a link', async () => {
  await refused(tar(link('x', `${UP}${outside}/secret`)), 'leads out of its root');
  await refused(tar(link('x', `${outside}/secret`)), 'which is no file');
  await refused(tar(symlink('s', outside), link('x', 's/secret')), 'which is no file');
});

test('a hard link that takes the place of what it leads to is refused', async () => {
  await refused(tar(entry({ path: 'd/e/f' }), link('d', 'd/e/f')), 'into itself');
});

test('a hard link to a link is another name of the link, and nothing behind it', async () => {
  const { directory: at } = await unpack(
    symlink('s', join(outside, 'secret')),
    link('h', 's'),
    entry({ path: 'h', mode: 0o777, uid: 1 }, 'mine'),
  );
  expect(readFileSync(join(at, 'h'), 'utf8')).toBe('mine');
});

test.each([
  ['a directory', tar(directory('d'), link('x', 'd'))],
  ['nothing', tar(link('x', 'nowhere'))],
  ['the root', tar(link('x', '/'))],
  ['itself before it is there', tar(link('x', 'x'))],
])('a hard link to %s is refused', (_, archive) => refused(archive, 'which is no file'));

test('links without a target, or with NUL in it, are refused', async () => {
  await refused(tar(symlink('s', '')), 'without a proper target');
  await refused(tar(pax(record('linkpath', 'a\0b')), symlink('s', 'x')), 'without a proper target');
});

test('links in a circle end', async () => {
  const archive = tar(symlink('a', 'b'), symlink('b', 'a'), entry({ path: 'a/x' }));
  await refused(archive, 'too many links');
});

test('a path through a file is refused', async () => {
  await refused(tar(entry({ path: 'f' }), entry({ path: 'f/x' })), 'no directory');
  await refused(tar(entry({ path: 'f', type: 'fifo' }), entry({ path: 'f/x' })), 'no directory');
});

test('a path of 4 KB is unpacked, one that no program could name is refused', async () => {
  const long = `${'n'.repeat(254)}/`.repeat(16);
  await refused(tar(entry({ path: `${long}${'x'.repeat(16)}` })), 'a path of 4096 bytes');
  await refused(tar(entry({ path: 'n'.repeat(256) })), 'a name of 256 bytes');
  const { directory: at } = await unpack(entry({ path: `${long}${'x'.repeat(15)}` }, 'deep'));
  const found = new Bun.Glob('**/x*').scan({ cwd: at, onlyFiles: true });
  expect((await Array.fromAsync(found)).map((path) => path.length)).toEqual([4095]);
}, 20_000);

test('a NUL in a name is refused, not cut off', () =>
  refused(tar(pax(record('path', 'etc/passwd\0.txt')), entry({ path: 'x' })), 'NUL byte'));

test('bytes that are no UTF-8 are a name like others', async () => {
  const { directory: at } = await unpack(entry({ path: 'b\xff\xfe', xattrs: new Map() }, 'raw'));
  expect(readdirSync(at, { encoding: 'buffer' })[0]?.toString('latin1')).toBe('b\xff\xfe');
});

test('an entry in place of the root is refused', async () => {
  await refused(tar(entry({ path: '.' })), 'its own root');
  await refused(tar(symlink('/', outside)), 'its own root');
  await refused(tar(entry({ path: 'a/..' })), 'its own root');
});

test('sizes that cannot be are refused', async () => {
  const negative = Buffer.concat([Buffer.alloc(12, 0xff)]);
  const huge = Buffer.concat([Buffer.of(0x80), Buffer.alloc(11, 0xff)]);
  await refused(tar(withField(entry({ path: 'f' }), 124, negative)), '-1 bytes');
  await refused(tar(withField(entry({ path: 'f' }), 124, huge)), 'has the size');
  await refused(tar(withField(entry({ path: 'f' }), 124, '12x45678901\0')), 'has the size');
  await refused(tar(withField(entry({ path: 'f' }), 124, '77777777777\0')), 'ends in the middle');
  await refused(tar(pax(record('size', '-5')), entry({ path: 'f' })), 'PAX record size');
  await refused(tar(pax(record('size', '1e3')), entry({ path: 'f' })), 'PAX record size');
  await refused(tar(pax(record('size', '99999999999999999')), entry({ path: 'f' })), 'PAX record');
});

test('a sparse file is no larger than a file can be, and its map is in order', async () => {
  const sparse = (size: string, map: string, content = '') =>
    tar(
      pax(record('GNU.sparse.size', size) + record('GNU.sparse.map', map)),
      entry({ path: 'f' }, content),
    );
  await refused(sparse('9007199254740991', '9007199254740990,1', 'x'), 'EFBIG');
  await refused(sparse('10', '5,5,0,5', 'helloworld'), 'broken map');
  await refused(sparse('10', '0,5,3,5', 'helloworld'), 'broken map');
  await refused(sparse('9', '0,5,5,5', 'helloworld'), 'broken map');
  await refused(sparse('10', '0,5,5', 'helloworld'), 'broken map');
  await refused(sparse('10', '0,5', 'helloworld'), 'broken map');
  await refused(sparse('-1', '0,5', 'hello'), 'PAX record');
});

test('a thousand levels of directories are no trouble', async () => {
  const deep = 'd/'.repeat(2000);
  const { directory: at } = await unpack(entry({ path: `${deep}f` }), entry({ path: `${deep}g` }));
  expect(existsSync(join(at, 'd/d/d'))).toBe(true);
});

test('owners that chown would take for "nobody in particular" are refused', async () => {
  await refused(tar(entry({ path: 'f', uid: 0xffff_ffff })), 'the owner 4294967295');
  const negative = Buffer.alloc(8, 0xff);
  await refused(tar(withField(entry({ path: 'f' }), 116, negative)), 'the owner -1');
});

test('device numbers that Linux has not are refused', async () => {
  const device = entry({ path: 'd', type: 'block-device', device: { major: 1, minor: 3 } });
  await refused(tar(withField(device, 329, '0010000\0')), 'the device 4096:3');
  await refused(tar(withField(device, 337, Buffer.alloc(8, 0xff))), 'the device 1:-1');
});

test('a message shows a name as its users write it', () =>
  refused(tar(link(Buffer.from('größe').toString('latin1'), 'x')), "has 'größe' as a hard link"));

test('a name or a PAX header without end does not fill the memory', async () => {
  const long = withField(withField(entry({ path: 'x' }), 156, 'L'), 124, '77777777777\0');
  await refused(Buffer.concat([long, Buffer.alloc(4096, 0x61)]), 'has a header of');
  const meta = withField(withField(entry({ path: 'x' }), 156, 'x'), 124, '77777777777\0');
  await refused(Buffer.concat([meta, Buffer.alloc(4096, 0x61)]), 'has a header of');
});

test.each([
  ['no length', 'path=x\n'],
  ['a length beyond the header', '99 path=x\n'],
  ['a length of nothing', '0 path=x\n'],
  ['no line end', '9 path=xx'],
  ['no key', '5 =x\n'],
  ['no equals sign', '6 pat\n'],
])('a PAX record with %s is refused', (_, records) =>
  refused(tar(pax(records), entry({ path: 'f' })), 'has a PAX record'),
);

test('an archive that ends too early is refused, wherever it is cut', async () => {
  const whole = tar(pax(record('path', 'long')), entry({ path: 'f' }, 'x'.repeat(600)));
  const end = whole.length - END.length;
  for (const cut of [1, 511, 513, 1024, 1100, 1536, 1537, 2048, 2600])
    if (cut < end) await refused(whole.subarray(0, cut), 'ends in the middle');
});

test('an archive without its two blocks of zeros is whole all the same', async () => {
  expect((await unpackTar(store, entry({ path: 'f' }, 'x'))).size).toBe(1);
  const oneBlock = Buffer.concat([entry({ path: 'g' }, 'x'), Buffer.alloc(512)]);
  expect((await unpackTar(store, oneBlock)).size).toBe(1);
});

test('what comes after the end does not count', async () => {
  const more = Buffer.concat([tar(entry({ path: 'f' })), entry({ path: 'evil' }), END]);
  const { directory: at } = await unpackTar(store, more);
  expect(readdirSync(at)).toEqual(['f']);
});

test('a wrong checksum, a foreign file and an unknown type are refused', async () => {
  const spoilt = Buffer.from(tar(entry({ path: 'f' })));
  spoilt[3] = 0x41;
  await refused(spoilt, 'wrong checksum');
  await refused(Buffer.from('<html>'.repeat(200)), 'wrong checksum');
  await refused(tar(withField(entry({ path: 'f' }), 156, 'Z')), 'unknown type "Z"');
  const hole = Buffer.concat([entry({ path: 'f' }), Buffer.alloc(512), entry({ path: 'g' }), END]);
  await refused(hole, 'goes on after a block of zeros');
});
