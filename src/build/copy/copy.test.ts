import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, lstatSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { find, getImage, treeOf } from '../../image/index.ts';
import { imageOfFiles, writeFiles } from '../../image/testing.ts';
import { buildImage } from '../exporters.ts';
import { openWorkshop, type Workshop } from '../testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

describe('COPY', () => {
  test('files belong to root, --chown and --chmod decide otherwise, parents too', async () => {
    const { stat } = await shop.build(
      'FROM base\nCOPY a /new/\nCOPY --chown=node --chmod=700 a d /own/\nCOPY --chown=5:staff a /b',
      { a: { mode: 0o640, content: '' }, 'd/x': '' },
    );
    expect(stat('new')).toBe('0:0 755');
    expect(stat('new/a')).toBe('0:0 640');
    expect([stat('own'), stat('own/a'), stat('own/x')]).toEqual([
      '1000:1001 755',
      '1000:1001 700',
      '1000:1001 700',
    ]);
    expect(stat('b')).toBe('5:50 640');
  });

  test('a directory that is written into keeps its owner and mode', async () => {
    await shop.build(
      'FROM base AS a\nCOPY --chown=7:8 --chmod=750 x /',
      { 'x/d/f': '' },
      { tags: ['two'] },
    );
    const { stat } = await shop.build('FROM two\nCOPY a /d/', { a: '1' });
    expect(stat('d')).toBe('7:8 750');
    expect(stat('d/f')).toBe('7:8 750');
    expect(stat('d/a')).toBe('0:0 644');
  });

  test('of two sources with one name the later wins, in a new directory too', async () => {
    const { file } = await shop.build('FROM base\nCOPY a b /new/', {
      ...{ 'a/l': '-> one', 'a/f': 'one', 'b/l': '-> two', 'b/f': 'two' },
    });
    expect([file('new/l'), file('new/f')]).toEqual(['two', 'two']);
  });

  test('directories below the one that is named get what the source’s have, though they exist', async () => {
    const files = { 'x/d/e/f': '', 'y/d/e/g': '' };
    await shop.build('FROM base\nCOPY --chown=7:8 --chmod=750 x /top/', files, { tags: ['two'] });
    chmodSync(join(shop.context, 'y/d'), 0o711);
    utimesSync(join(shop.context, 'y/d/e'), 1000, 1000);
    const { stat } = await shop.build('FROM two\nCOPY y /top', {}, { tags: ['three'] });
    expect(['top', 'top/d', 'top/d/e', 'top/d/e/f'].map(stat)).toEqual([
      ...['7:8 755', '0:0 711', '0:0 755', '7:8 750'],
    ]);
    const { chainId } = getImage(shop.store, 'three');
    expect(find(treeOf(shop.store, chainId), 'top/d/e')?.stat.mtimeNs).toBe(1_000_000_000_000n);
    const kept = await shop.build('FROM two\nCOPY --parents y/./d/e/g /top');
    expect(['top/d', 'top/d/e', 'top/d/e/g'].map(kept.stat)).toEqual([
      ...['7:8 750', '7:8 750', '0:0 644'],
    ]);
  });

  test('a wildcard that matches nothing copies nothing; a name must be there, with a backslash too', async () => {
    const { file } = await shop.build('FROM base\nCOPY nope* n?pe/[a-z] /w/\nADD nope* /w/');
    expect(file('w')).toBeUndefined();
    for (const name of ['nope', 'n\\ope', 'no\\\\*pe'])
      expect(await shop.failing(`FROM base\nCOPY ${name} nope* /w/`)).toMatchObject({
        code: 'COPY_SOURCE_NOT_FOUND',
      });
  });

  test('wildcards, and one that matches nothing beside one that does', async () => {
    const { file } = await shop.build('FROM base\nCOPY p*.json nope*.json [ab].t? s/*/x /w/', {
      'package.json': 'p',
      'a.tx': 'a',
      'b.ty': 'b',
      'c.tx': 'c',
      's/1/x': '1',
      's/2/y': '2',
    });
    expect(['package.json', 'a.tx', 'b.ty', 'c.tx', 'x'].map((name) => file(`w/${name}`))).toEqual([
      'p',
      'a',
      'b',
      undefined,
      '1',
    ]);
  });

  test('links inside a copied directory stay links, a link that is named is followed', async () => {
    const { file } = await shop.build('FROM base\nCOPY d /d\nCOPY l /l', {
      'd/abs': '-> /etc/passwd',
      'd/rel': '-> ../x',
      l: '-> real',
      real: 'content',
    });
    expect([file('d/abs'), file('d/rel'), file('l')]).toEqual(['/etc/passwd', '../x', 'content']);
  });

  test('.dockerignore hides files, exceptions bring them back, the Dockerfile’s own wins', async () => {
    const files = {
      '.dockerignore': 'node_modules\n*.md\n!keep.md\n',
      'node_modules/m': '',
      'a.md': '',
      'keep.md': 'k',
      'A.MD': 'A',
    };
    const one = await shop.build('FROM base\nCOPY . /c/', files);
    expect(
      ['node_modules', 'a.md', 'keep.md', 'A.MD'].map((name) => one.file(`c/${name}`)),
    ).toEqual([undefined, undefined, 'k', 'A']);
    const two = await shop.build('FROM base\nCOPY . /c/', { 'Dockerfile.dockerignore': 'keep.md' });
    expect([two.file('c/a.md'), two.file('c/keep.md')]).toEqual(['', undefined]);
  });

  test('--from a stage keeps owners; --from an image works without a stage', async () => {
    const { file, stat } = await shop.build(
      'FROM base AS one\nCOPY --chown=node a /made/\nFROM scratch\nCOPY --from=one /made /m\nCOPY --from=base /etc/passwd /p',
      { a: '1' },
    );
    expect([file('m/a'), stat('m/a'), file('p')?.slice(0, 4)]).toEqual([
      '1',
      '1000:1001 644',
      'root',
    ]);
  });

  test('a missing source and a bad owner are errors at their line', async () => {
    const missing = await shop.failing('FROM base\n\nCOPY nope /x');
    expect(missing).toMatchObject({ code: 'COPY_SOURCE_NOT_FOUND', details: { line: 3 } });
    expect(missing.message).toBe('Dockerfile:3:1: "/nope": not found');
    const owner = await shop.failing('FROM base\nCOPY --chown=nobody a /', { a: '' });
    expect(owner).toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  test('a file cannot replace a directory, nor a directory a file', async () => {
    expect(await shop.failing('FROM base\nCOPY d /', { 'd/etc': 'file' })).toMatchObject({
      code: 'COPY_CONFLICT',
    });
    expect(await shop.failing('FROM base\nCOPY e /', { 'e/bin/sh/x': '' })).toMatchObject({
      code: 'COPY_CONFLICT',
    });
  });
});

describe('a hostile image', () => {
  const outside = join(tmpdir(), `cloche-outside-${process.pid}`);

  test.each([
    ['absolute', outside],
    ['relative', `../../../../../../../../../..${outside}`],
  ])('cannot lead COPY out of its root by an %s link', async (_, target) => {
    await imageOfFiles(shop.store, 'hostile', {
      dir: `-> ${target}`,
      file: `-> ${target}/f`,
      loop: '-> loop',
    });
    const { file } = await shop.build('FROM hostile\nCOPY a /dir/\nCOPY a /file', { a: '1' });
    expect(() => lstatSync(outside)).toThrow();
    expect([file(`${outside}/a`), file(`${outside}/f`)]).toEqual(['1', '1']);
  });

  test('cannot lead COPY --from out of its root, nor into a loop', async () => {
    writeFiles(outside, { secret: 'secret' });
    await imageOfFiles(shop.store, 'hostile', { in: `-> ${outside}`, loop: '-> loop/x' });
    expect(await shop.failing('FROM base\nCOPY --from=hostile /in/secret /')).toMatchObject({
      code: 'COPY_SOURCE_NOT_FOUND',
    });
    expect(await shop.failing('FROM base\nCOPY --from=hostile /loop /')).toMatchObject({
      code: 'LINK_LOOP',
    });
    rmSync(outside, { recursive: true });
  });

  test('nor can a link in the build context', async () => {
    expect(
      await shop.failing('FROM base\nCOPY l /', { l: '-> ../../../../../../etc/passwd' }),
    ).toMatchObject({
      code: 'COPY_SOURCE_NOT_FOUND',
    });
  });
});

test('times are copied to the nanosecond: of files, links and directories, through stages and --link', async () => {
  writeFiles(shop.context, { 'd/f': '', 'd/l': '-> f' });
  const time = '2024-05-06T07:08:09.123456789Z';
  await $`/usr/bin/touch -h -d ${time} ${['f', 'l', '.'].map((name) => join(shop.context, 'd', name))}`;
  const { build, store } = shop;
  await build(
    'FROM base AS a\nCOPY d /x/d/\nCOPY . /y\nFROM base\nCOPY --from=a /y /z\nCOPY --link . /w',
    {},
    { tags: ['timed'] },
  );
  const tree = treeOf(store, getImage(store, 'timed').chainId);
  const times = ['z/d', 'z/d/f', 'z/d/l', 'w/d', 'w/d/f', 'w/d/l'].map(
    (path) => find(tree, path, { follow: false })?.stat.mtimeNs,
  );
  expect(times).toEqual(Array(6).fill(1_714_979_289_123_456_789n));
});

test('times of copied files are those of the context', async () => {
  writeFiles(shop.context, { a: '', Dockerfile: 'FROM scratch\nCOPY a /' });
  utimesSync(join(shop.context, 'a'), 1_000_000, 1_000_000.5);
  const image = await buildImage(shop.store, shop);
  const node = find(treeOf(shop.store, image.chainId), 'a');
  expect(node?.stat.mtimeNs).toBe(1_000_000_500_000_000n);
  expect(statSync(join(shop.context, 'a')).mtimeMs).toBe(1_000_000_500);
});
