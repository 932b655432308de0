import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DiffId, findSnapshot } from '../../image/index.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { CACHE_KEY, readCacheFrom, readCacheTo } from './index.ts';

/** Two machines, and a directory that both can reach. */
let one: Workshop;
let other: Workshop;
let directory: string;

beforeEach(async () => {
  [one, other] = [await openWorkshop(), await openWorkshop()];
  directory = mkdtempSync(join(tmpdir(), 'cloche-cache-'));
});

afterEach(() => {
  one.remove();
  other.remove();
  rmSync(directory, { recursive: true });
});

const STAGES = `FROM scratch AS build
COPY a /
RUN write made by hand
FROM scratch
COPY --from=build made /final
`;
const FILES = { a: 'source' };
const to = (...specs: string[]) => ({ cacheTo: specs.map(readCacheTo) });
const from = (...specs: string[]) => ({ cacheFrom: specs.map(readCacheFrom) });
const ran = (shop: Workshop) => shop.ran.map(({ argv }) => argv.at(-1));

describe('a cache in a directory', () => {
  test('mode=max: the other machine does nothing again, and has the same image', async () => {
    const built = await one.build(STAGES, FILES, to(`type=local,dest=${directory},mode=max`));
    const again = await other.build(STAGES, FILES, from(`type=local,src=${directory}`));
    expect(ran(one)).toEqual(['write made by hand']);
    expect(ran(other)).toEqual([]);
    expect(again.steps.filter((line) => / (RUN|COPY) /.test(line))).toEqual([
      '[build 2/3] COPY a / cached',
      '[build 3/3] RUN write made by hand cached',
      '[stage-1 2/2] COPY --from=build made /final cached',
    ]);
    expect(again.config.rootfs).toEqual(built.config.rootfs);
    expect(again.file('final')).toBe('by hand');
  });

  test('mode=min has the steps of the image alone', async () => {
    await one.build(STAGES, FILES, to(`type=local,dest=${directory}`));
    await other.build(STAGES, FILES, from(`type=local,src=${directory}`));
    expect(ran(other)).toEqual(['write made by hand']);
  });

  test('what is different is done', async () => {
    await one.build(STAGES, FILES, to(`type=local,dest=${directory},mode=max`));
    await other.build(STAGES, { a: 'changed' }, from(`type=local,src=${directory}`));
    expect(ran(other)).toEqual(['write made by hand']);
  });

  test('layers come when a step wants them, and not before', async () => {
    const built = await one.build(STAGES, FILES, to(`type=local,dest=${directory},mode=max`));
    const only = 'FROM scratch\nCOPY a /\n';
    await other.build(only, FILES, from(`type=local,src=${directory}`));
    const [final] = built.config.rootfs.diff_ids;
    expect(() => findSnapshot(other.store, final as never)).toThrow();
    expect(readdirSync(join(other.store.root, 'snapshots')).length).toBe(
      readdirSync(join(one.store.root, 'snapshots')).length - 2,
    );
  });

  test('a damaged layer is said, and the step is done', async () => {
    await one.build(STAGES, FILES, to(`type=local,dest=${directory},mode=max`));
    const blobs = join(directory, 'blobs/sha256');
    const { layers } = await manifestIn(directory);
    for (const { digest } of layers) writeFileSync(join(blobs, digest.slice(7)), 'damage');
    const built = await other.build(STAGES, FILES, from(`type=local,src=${directory}`));
    expect(ran(other)).toEqual(['write made by hand']);
    expect(built.file('final')).toBe('by hand');
  });

  test('one that is not there is left out', async () => {
    await other.build(STAGES, FILES, from(`type=local,src=${directory}/nowhere`));
    expect(ran(other)).toEqual(['write made by hand']);
  });

  test('one that cannot be written fails the build, unless that does not matter', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const target = `type=local,dest=${file}/below`;
    await expect(one.build(STAGES, FILES, to(target))).rejects.toThrow();
    await one.build(STAGES, FILES, to(`${target},ignore-error=true`));
  });

  test('a step that is not to use the cache does not use it', async () => {
    await one.build(STAGES, FILES, to(`type=local,dest=${directory},mode=max`));
    await other.build(STAGES, FILES, { ...from(`type=local,src=${directory}`), noCache: true });
    expect(ran(other)).toEqual(['write made by hand']);
  });
});

test('an image carries its own cache', async () => {
  const built = await one.build(STAGES, FILES, to('type=inline'));
  expect(built.config).toMatchObject({ [CACHE_KEY]: { version: 1, steps: [{ layers: [0] }] } });
  expect(existsSync(join(directory, 'index.json'))).toBe(false);
  expect((await one.build(STAGES, FILES)).config).not.toHaveProperty([CACHE_KEY]);
});

describe('the layer of a COPY --link', () => {
  const dockerfile = (base: string) => `FROM ${base}\nCOPY --link a /\nRUN write made by hand`;

  test('is in the cache of the image, apart from what it lies on', async () => {
    const built = await one.build(dockerfile('base'), FILES, to('type=inline'));
    const steps = [{ layers: [1] }, { layers: [0, 1, 2] }];
    expect(built.config).toMatchObject({ [CACHE_KEY]: { steps } });
  });

  test('is had by another machine on another base', async () => {
    const built = await one.build(dockerfile('base'), FILES, to(`type=local,dest=${directory}`));
    const again = await other.build(
      dockerfile('scratch'),
      FILES,
      from(`type=local,src=${directory}`),
    );
    expect(again.steps).toContain('[2/3] COPY --link a / cached');
    expect(again.config.rootfs.diff_ids[0]).toBe(built.config.rootfs.diff_ids[1] as DiffId);
  });
});

test.each([
  ['nowhere.example/a/b', { type: 'registry', reference: { path: 'a/b', tag: 'latest' } }],
  ['type=registry,ref=nowhere.example/a:x', { type: 'registry', reference: { tag: 'x' } }],
  ['type=local,src=/a', { type: 'local', directory: '/a', tag: 'latest' }],
  ['type=local,src=/a,tag=x', { type: 'local', tag: 'x' }],
])('--cache-from %s', (text, expected) => {
  expect(readCacheFrom(text)).toMatchObject(expected);
});

test.each([
  ['type=gha', "unknown cache type 'gha'"],
  ['type=local', 'src is required for type=local'],
  ['type=registry', 'ref is required for type=registry'],
  ['src=/a', 'type is required for --cache-from'],
  ['type=local,src=/a,what=b', "unknown key 'what' in --cache-from"],
  ['type=local,src', "invalid value 'src' of --cache-from"],
])('--cache-from %s is refused', (text, message) => {
  expect(() => readCacheFrom(text)).toThrow(message);
});

test.each([
  ['type=local,dest=/a,mode=all', "invalid cache mode 'all'"],
  ['type=inline,ref=a,dest', "invalid value 'dest' of --cache-to"],
  ['type=local', 'dest is required for type=local'],
])('--cache-to %s is refused', (text, message) => {
  expect(() => readCacheTo(text)).toThrow(message);
});

async function manifestIn(layout: string): Promise<{ layers: { digest: string }[] }> {
  const index = await Bun.file(join(layout, 'index.json')).json();
  const [{ digest }] = index.manifests;
  return Bun.file(join(layout, 'blobs/sha256', digest.slice(7))).json();
}
