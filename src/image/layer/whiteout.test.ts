import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import type { Snapshot } from '../snapshots.ts';
import { treeOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { children, find, type Node, readNode } from '../tree.ts';
import { directory, entry, link, symlink, tar, unpackTar } from './testing.ts';
import { readXattrs } from './xattr.ts';

let store: Store;
let remove: () => void;
let base: Snapshot;

const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex');

beforeEach(async () => {
  ({ store, remove } = temporaryStore());
  base = await unpackTar(
    store,
    tar(
      directory('dir', { mode: 0o750, uid: 3, mtime: 5_000_000_007n }),
      entry({ path: 'dir/a' }, 'a'),
      entry({ path: 'dir/b' }, 'b'),
      directory('dir/deep'),
      entry({ path: 'dir/deep/c' }, 'c'),
      entry({ path: 'ping', mode: 0o755, xattrs: new Map([['security.capability', capability]]) }),
      symlink('link', 'dir'),
      entry({ path: 'file' }, 'file'),
    ),
  );
});
afterEach(() => remove());

const above = (...parts: Buffer[]) => unpackTar(store, tar(...parts), { parent: base.chainId });

/** What a container would see: paths, and the content of files. */
function seen({ chainId }: Snapshot): Record<string, string> {
  const tree = treeOf(store, chainId);
  const all: Record<string, string> = {};
  const walk = (node: Node) => {
    for (const child of children(tree, node)) {
      all[child.path] = child.kind === 'file' ? readNode(tree, child).toString() : child.kind;
      if (child.kind === 'directory') walk(child);
    }
  };
  const root = find(tree, '');
  if (root !== undefined) walk(root);
  return all;
}

const REST = { ping: '', link: 'symlink' };
const DIR = { dir: 'directory', 'dir/deep': 'directory', 'dir/deep/c': 'c' };

test('a whiteout removes a file and a directory of the layers below', async () => {
  const top = await above(entry({ path: '.wh.file' }), entry({ path: 'dir/.wh.deep' }));
  expect(seen(top)).toEqual({ ...REST, dir: 'directory', 'dir/a': 'a', 'dir/b': 'b' });
  expect(statSync(join(top.directory, 'file'))).toMatchObject({ rdev: 0, size: 0 });
});

test('a directory that is only named in a path keeps the owner, mode and time from below', async () => {
  const { directory: at } = await above(entry({ path: 'dir/.wh.a' }));
  const stat = statSync(join(at, 'dir'), { bigint: true });
  expect([stat.mode & 0o7777n, stat.uid, stat.mtimeNs]).toEqual([0o750n, 3n, 5_000_000_007n]);
});

test('an opaque directory hides what is below, wherever its mark stands', async () => {
  for (const parts of [
    [entry({ path: 'dir/.wh..wh..opq' }), entry({ path: 'dir/new' }, 'new')],
    [entry({ path: 'dir/new' }, 'new'), entry({ path: 'dir/.wh..wh..opq' })],
  ]) {
    const top = await above(...parts);
    const expected = { ...REST, file: 'file', dir: 'directory', 'dir/new': 'new' };
    expect(seen(top)).toEqual(expected);
    expect(top.opaque).toEqual(['dir']);
    const xattrs = (await readXattrs(top.directory, ['dir'])).get('dir');
    expect(Buffer.from(xattrs?.get('trusted.overlay.opaque') ?? []).toString()).toBe('y');
  }
});

test('an opaque root hides all that is below', async () => {
  const top = await above(
    entry({ path: 'dir/new' }, 'new'),
    entry({ path: '.wh..wh..opq' }),
    entry({ path: 'file' }, 'mine'),
  );
  expect(seen(top)).toEqual({ dir: 'directory', 'dir/new': 'new', file: 'mine' });
  expect(await mounted([top, base])).toEqual(['dir', 'dir/new', 'file']);
});

test('a whiteout hides nothing of its own layer, before it or after it', async () => {
  const top = await above(
    entry({ path: 'file' }, 'mine'),
    entry({ path: '.wh.file' }),
    entry({ path: '.wh.ping' }),
    entry({ path: 'ping' }, 'mine too'),
  );
  expect(seen(top)).toMatchObject({ file: 'mine', ping: 'mine too' });
});

test('a directory that was removed and made anew shows nothing of the old one', async () => {
  for (const parts of [
    [entry({ path: '.wh.dir' }), directory('dir'), entry({ path: 'dir/new' }, 'new')],
    [directory('dir'), entry({ path: 'dir/new' }, 'new'), entry({ path: '.wh.dir' })],
    [entry({ path: '.wh.dir' }), entry({ path: 'dir/new' }, 'new')],
  ]) {
    const top = await above(...parts);
    expect(seen(top)).toEqual({ ...REST, file: 'file', dir: 'directory', 'dir/new': 'new' });
  }
});

test('whiteouts of what is not there leave nothing that overlayfs would list', async () => {
  const top = await above(
    entry({ path: '.wh.never' }),
    entry({ path: 'dir/.wh..wh..opq' }),
    entry({ path: 'dir/.wh.a' }),
    entry({ path: 'fresh/.wh.x' }),
    entry({ path: 'fresh/.wh..wh..opq' }),
  );
  for (const path of ['never', 'dir/a', 'fresh/x'])
    expect(existsSync(join(top.directory, path))).toBe(false);
  expect(top.opaque).toEqual(['dir']);
});

test('entries under a whiteout, and under a file of a lower layer', async () => {
  const top = await above(
    entry({ path: '.wh.file' }),
    entry({ path: 'file/now/a/directory' }, 'x'),
    entry({ path: 'ping/too' }, 'y'),
  );
  expect(seen(top)).toMatchObject({ 'file/now/a/directory': 'x', 'ping/too': 'y' });
});

test('a hard link to a file of a lower layer brings it up, with its capabilities', async () => {
  const top = await above(link('pong', 'ping'), link('dir/z', 'dir/a'));
  const stat = statSync(join(top.directory, 'ping'));
  expect(stat).toMatchObject({ nlink: 2, ino: statSync(join(top.directory, 'pong')).ino });
  const xattrs = (await readXattrs(top.directory, ['pong'])).get('pong');
  expect(Buffer.from(xattrs?.get('security.capability') ?? [])).toEqual(capability);
  expect(seen(top)).toMatchObject({ 'dir/z': 'a', 'dir/a': 'a', ...DIR });
  expect(top.size).toBe(1);
});

test('a hard link to what this layer removed is refused', async () => {
  const removed = above(entry({ path: '.wh.ping' }), link('pong', 'ping'));
  await expect(removed).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  const opaque = above(entry({ path: 'dir/.wh..wh..opq' }), link('x', 'dir/a'));
  await expect(opaque).rejects.toMatchObject({ code: 'LAYER_INVALID' });
  const deep = above(entry({ path: 'dir/.wh..wh..opq' }), link('x', 'dir/deep/c'));
  await expect(deep).rejects.toMatchObject({ code: 'LAYER_INVALID' });
});

test("docker's overlay2 puts a directory over a link below it, and so do we", async () => {
  const top = await above(entry({ path: 'link/x' }, 'x'));
  expect(seen(top)).toMatchObject({ link: 'directory', 'link/x': 'x', 'dir/a': 'a' });
  expect(readFileSync(join(top.directory, 'link/x'), 'utf8')).toBe('x');
});

test.each(['.wh.', '.wh..', '.wh...'])('%s is a whiteout of nothing and refused', async (name) => {
  await expect(above(entry({ path: `dir/${name}` }))).rejects.toThrow('has the whiteout');
});

test("aufs' own notes are passed over", async () => {
  const notes = [entry({ path: '.wh..wh.aufs' }), directory('.wh..wh.plnk')];
  expect(seen(await above(...notes))).toEqual(seen(base));
});

test('overlayfs itself shows the same as our own view of the layers', async () => {
  const top = await above(
    entry({ path: '.wh.file' }),
    entry({ path: '.wh.never' }),
    entry({ path: 'dir/.wh.deep' }),
    directory('dir/deep'),
    entry({ path: 'dir/deep/new' }, 'new'),
    entry({ path: 'dir/.wh.b' }),
    entry({ path: 'fresh/.wh.x' }),
    link('pong', 'ping'),
    entry({ path: 'link/x' }, 'x'),
  );
  const last = tar(entry({ path: 'dir/.wh..wh..opq' }), entry({ path: 'dir/z' }, 'z'));
  const third = await unpackTar(store, last, { parent: top.chainId });
  for (const stack of [
    [top, base],
    [third, top, base],
  ])
    expect(await mounted(stack)).toEqual(Object.keys(seen(stack[0] ?? base)).sort());
});

/** What overlayfs shows of a stack, the uppermost first. */
async function mounted(stack: readonly Snapshot[]): Promise<string[]> {
  const lower = stack.map(({ directory: at }) => at).join(':');
  const script = `mount -t overlay -o ro,lowerdir=${lower} overlay /mnt && cd /mnt && find . -mindepth 1`;
  const listed = await $`unshare --mount sh -c ${script}`.text();
  const paths = listed.split('\n').filter((line) => line !== '');
  return paths.map((path) => path.slice(2)).sort();
}
