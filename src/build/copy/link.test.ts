import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainId, type DiffId, hexOf } from '../../image/index.ts';
import { imageOfFiles } from '../../image/testing.ts';
import { explainBuild } from '../build.ts';
import { openWorkshop, type Workshop } from '../testing.ts';

/** COPY --link: a layer that is made on nothing, so that it stays when what is below it changes. */
let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
  await imageOfFiles(shop.store, 'other', { 'etc/passwd': 'node:x:7:8::/:/bin/sh\n', 'b/x': '' });
});
afterEach(() => shop.remove());

const steps = ['COPY --link a d /b/', 'RUN write made after'];
const on = (base: string, ...lines: string[]) => [`FROM ${base}`, ...lines].join('\n');
const files = { a: '1', 'd/s/deep': { mode: 0o600, content: '2' } };

describe('COPY --link', () => {
  test('is cached on another base, and gives the same layer there; what follows is done', async () => {
    const one = await shop.build(on('base', ...steps), files);
    const two = await shop.build(on('other', ...steps));
    expect(two.steps).toContain('[2/3] COPY --link a d /b/ cached');
    expect(two.config.rootfs.diff_ids[1]).toBe(one.config.rootfs.diff_ids[1] as DiffId);
    expect(shop.ran).toHaveLength(2);
    expect([two.file('b/a'), two.file('b/s/deep'), two.file('b/x')]).toEqual(['1', '2', '']);
    expect([two.stat('b/s/deep'), two.stat('b')]).toEqual(['0:0 600', '0:0 755']);
  });

  test('its files lie on the disk once, and are there when all but the second image is gone', async () => {
    const one = await shop.build(on('base', 'COPY --link a /'), files);
    const two = await shop.build(on('other', 'COPY --link a /'));
    expect(one.id).not.toBe(two.id);
    const inodes = shop.store.db
      .query<{ chain: ChainId }, [string]>('SELECT chain FROM snapshots WHERE diff = ?')
      .all(two.config.rootfs.diff_ids.at(-1) ?? '')
      .map(({ chain }) => statSync(join(shop.store.root, 'snapshots', hexOf(chain), 'fs/a')).ino);
    expect([inodes.length, new Set(inodes).size]).toEqual([3, 1]);
  });

  test('the owner by name is the one that the base calls so', async () => {
    const copy = 'COPY --link --chown=node a /';
    const one = await shop.build(on('base', copy), files);
    const two = await shop.build(on('other', copy));
    expect([one.stat('a'), two.stat('a')]).toEqual(['1000:1001 644', '7:8 644']);
    expect((await shop.build(on('other', copy))).steps).toContain(`[2/2] ${copy} cached`);
    expect(await shop.failing('FROM scratch\nCOPY --link --chown=node a /')).toMatchObject({
      code: 'USER_NOT_FOUND',
    });
    const numbers = await shop.build('FROM scratch\nCOPY --link --chown=3:4 a /');
    expect(numbers.stat('a')).toBe('3:4 644');
  });

  test('--explain knows that it stays when what is below it changes', async () => {
    const dockerfile = (text: string) => on('base', `RUN write x ${text}`, 'COPY --link a /');
    await shop.build(dockerfile('one'), files);
    const other = await openWorkshop();
    try {
      await other.build(dockerfile('two'), files);
      const explained = await explainBuild(shop.store, { ...shop, context: other.context });
      expect(explained.map(({ would }) => would)).toEqual(['nothing', 'run', 'use the cache']);
    } finally {
      other.remove();
    }
  });
});
