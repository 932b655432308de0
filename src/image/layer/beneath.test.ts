import { afterAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../../linux/perform.ts';
import { bytes, call, flags, mode, plan, text } from '../../linux/plan/index.ts';
import { LIVE } from './beneath.ts';
import { AT_REST, fromRaw, type Look, scanAll } from './scan.ts';
import { readXattrs } from './xattr.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cloche-beneath-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** What a container may make of a directory after we have looked: here it is a link already. */
const base = join(scratch, 'container');
const outside = join(scratch, 'host');
for (const path of [join(base, 'real/deep'), outside]) mkdirSync(path, { recursive: true });
writeFileSync(join(base, 'real/deep/file'), 'inside');
writeFileSync(join(outside, 'file'), 'outside');
symlinkSync(outside, join(base, 'link'));
symlinkSync(join(outside, 'file'), join(base, 'real/stray'));

function contentOf(look: Look, path: string): string {
  const fd = look.open(base, path);
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

test('a directory that has become a link is none, and what it leads to is not there', () => {
  expect(AT_REST.names(base, 'link')).toEqual(['file']);
  expect(LIVE.names(base, 'link')).toEqual([]);
  expect(AT_REST.entry(base, 'link/file')).toMatchObject({ kind: 'file' });
  expect(LIVE.entry(base, 'link/file')).toBeUndefined();
  expect(LIVE.entry(base, 'link')).toMatchObject({ kind: 'symlink', target: outside });
  expect(LIVE.entry(base, 'real/deep/file/x')).toBeUndefined();
});

test('a file that has become a link, or lies behind one, is not read', () => {
  for (const path of ['link/file', 'real/stray']) {
    expect(contentOf(AT_REST, path)).toBe('outside');
    expect(() => LIVE.open(base, path)).toThrow(`'${path}' is no file any more`);
  }
  expect(contentOf(LIVE, 'real/deep/file')).toBe('inside');
});

test('a file that has become a fifo makes nobody wait', async () => {
  const fifo = text(join(base, 'fifo'));
  await perform(
    plan('a fifo', [call('mknodat', [flags('AT_FDCWD'), fifo, mode(0o010600), 0], '')]),
  );
  expect(() => LIVE.open(base, 'fifo')).toThrow("'fifo' is no file any more");
});

test('extended attributes are not asked of what lies behind a link', async () => {
  const value = Buffer.from('v');
  const paths = ['real/deep/file', 'link/file', 'real', 'gone/file'];
  for (const path of ['real/deep/file', 'link/file', 'real'])
    await perform(
      plan('an attribute', [
        call('lsetxattr', [text(join(base, path)), text('user.x'), bytes(value, '"v"'), 1, 0], ''),
      ]),
    );
  expect([...(await readXattrs(base, paths.slice(0, 3))).keys()]).toEqual(paths.slice(0, 3));
  const live = await readXattrs(base, paths, LIVE);
  expect([...live.keys()].sort()).toEqual(['real', 'real/deep/file']);
  expect(live.get('real')?.get('user.x')).toEqual(new Uint8Array(value));
  expect((await readXattrs(base, [''], LIVE)).size).toBe(0);
});

test('where nothing changes both see the same, bytes that are no UTF-8 too', () => {
  const tree = join(scratch, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  writeFileSync(Buffer.concat([fromRaw(`${tree}/a/`), Buffer.of(0xe9, 0x20)]), '');
  execFileSync('cp', ['-a', '/etc/alternatives', `${tree}/a/b`]);
  const seen = (look: Look) =>
    scanAll(tree, look).map(({ path, kind, target, stat }) => [path, kind, target, stat.ino]);
  expect(seen(LIVE)).toEqual(seen(AT_REST));
  expect(seen(LIVE).length).toBeGreaterThan(5);
});
