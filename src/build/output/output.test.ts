import { afterEach, beforeEach, expect, test } from 'bun:test';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFiles as put } from '../../image/testing.ts';
import { buildEach, toFiles } from '../exporters.ts';
import { lastBuilds } from '../record.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { filesArchive, writeFiles } from './files.ts';
import { readOutput } from './spec.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

const into = (dest: string) =>
  toFiles((chain) => writeFiles(shop.store, chain, dest, new AbortController().signal));

test.each([
  ['out', { type: 'local', dest: 'out' }],
  ['-', { type: 'tar', dest: '-' }],
  ['type=image,rewrite-timestamp=true', { type: 'image', push: false }],
  ['type=image,push=true', { type: 'image', push: true }],
  ['type=registry', { type: 'image', push: true }],
  ['type=tar', { type: 'tar', dest: '-' }],
  ['type=local,dest=a', { type: 'local', dest: 'a' }],
  ['type=docker', { type: 'image', push: false }],
  ['"type=oci","dest=a,b"', { type: 'oci', dest: 'a,b' }],
  ['type=oci,dest=a,tar=false', { type: 'layout', dest: 'a' }],
] as const)('%s', (text, output) => expect(readOutput(text).output).toEqual(output));

test.each([
  ['dest=a', 'type is required for output'],
  ['type=local', 'output directory is required for local exporter'],
  ['type=local,dest=-', 'dest cannot be stdout for local exporter'],
  ['type=zip,dest=a', 'exporter "zip" could not be found'],
  ['type=image,rewrite-timestamp=false', 'rewrite-timestamp=false is not supported'],
  ['type=tar,dst=a', "unknown key 'dst'"],
  ['type=oci,tar=false', 'output directory is required for oci exporter'],
  ['type=docker,dest=a,tar=false', 'tar=false is not supported for exporter "docker"'],
  ['type=oci,compression=estargz', 'unsupported layer compression type estargz'],
  ['type=image,oci-mediatypes=false', 'oci-mediatypes=false is not supported'],
  ['type=image,annotation-index.a=b', "unknown key 'annotation-index.a'"],
])('%s is refused', (text, message) => expect(() => readOutput(text)).toThrow(message));

test('compression and annotations are said beside the place', () => {
  const said = readOutput('type=image,compression=uncompressed,annotation.org.Example=B=c');
  expect(said).toMatchObject({ compression: 'none', annotations: { 'org.Example': 'B=c' } });
  expect(readOutput('type=oci,compression=zstd,force-compression=true').compression).toBe('zstd');
});

test('files are merged into a directory, and no link in it leads out of it', async () => {
  const dest = join(shop.context, 'out');
  put(dest, { kept: 'k', 'd/kept': 'k', away: `-> ${shop.context}` });
  put(shop.context, {
    a: '1',
    l: '-> a',
    Dockerfile: 'FROM scratch\nCOPY --chown=7 a l /d/\nCOPY a /away/',
    '.dockerignore': 'out',
  });
  const taken = buildEach(shop.store, shop, [into(dest)]);
  await expect(taken).rejects.toMatchObject({ code: 'COPY_CONFLICT' });
  expect(readdirSync(shop.context)).not.toContain('away');
  put(shop.context, { Dockerfile: 'FROM scratch\nCOPY --chown=7 a l /d/' });
  const { record } = await buildEach(shop.store, shop, [into(dest)]);
  expect([readdirSync(dest).sort(), readdirSync(join(dest, 'd')).sort()]).toEqual([
    ['away', 'd', 'kept'],
    ['a', 'kept', 'l'],
  ]);
  expect(readFileSync(join(dest, 'd/a'), 'utf8')).toBe('1');
  expect(lstatSync(join(dest, 'd/a')).uid).toBe(process.getuid?.() ?? 0);
  expect(record.image).toBeNull();
  expect(lastBuilds(shop.store, 1)).toEqual([record]);
});

test('as an archive they can be listed by tar', async () => {
  put(shop.context, { a: '1', Dockerfile: 'FROM scratch\nCOPY a /d/' });
  const pieces: Buffer[] = [];
  const take = toFiles(async (chain) => {
    for await (const piece of filesArchive(shop.store, chain)) pieces.push(Buffer.from(piece));
  });
  await buildEach(shop.store, shop, [take]);
  const { stdout } = Bun.spawnSync(['tar', 't'], { stdin: Buffer.concat(pieces) });
  expect(stdout.toString()).toBe('d/\nd/a\n');
  expect(readdirSync(join(shop.store.root, 'tmp'))).toEqual([]);
});
