import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { writeFiles } from '../../image/testing.ts';
import { type ContextPlace, openContext } from '../context.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { withContext } from './fetched.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => {
  const left = readdirSync(join(shop.store.root, 'tmp'));
  shop.remove();
  expect(left).toEqual([]);
});

async function* chunks(content: Uint8Array, size = 100) {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** The files of a context, and its Dockerfile's text. */
async function seen(place: ContextPlace, stdin: Uint8Array = Buffer.alloc(0)) {
  const signal = new AbortController().signal;
  const options = { stdin: chunks(stdin), signal };
  return withContext(shop.store, place, options, async ({ context, file }) => ({
    files: readdirSync(context).sort(),
    text: readFileSync(file ?? join(context, 'Dockerfile'), 'utf8'),
  }));
}

test('standard input is a Dockerfile without files, or the Dockerfile of a directory', async () => {
  expect(await seen({ context: '-' }, Buffer.from('FROM a'))).toEqual({
    files: [],
    text: 'FROM a',
  });
  writeFiles(shop.context, { a: '' });
  const ofDirectory = await seen({ context: shop.context, file: '-' }, Buffer.from('FROM b'));
  expect(ofDirectory).toEqual({ files: ['a'], text: 'FROM b' });
  await expect(seen({ context: '-', file: '-' })).rejects.toMatchObject({
    code: 'CONTEXT_INVALID',
  });
});

test.each(['', '--format=v7', '--format=gnu', '--format=pax', '--gzip', '--zstd', '--xz'])(
  'an archive, %p, on standard input or as a file',
  async (flag) => {
    writeFiles(shop.context, { a: '1', Dockerfile: 'FROM c', other: 'FROM d' });
    const archive = `${shop.context}.tar`;
    await $`tar ${flag === '' ? [] : [flag]} -C ${shop.context} -cf ${archive} .`;
    const content = readFileSync(archive);
    const files = ['Dockerfile', 'a', 'other'];
    expect(await seen({ context: '-' }, content)).toEqual({ files, text: 'FROM c' });
    expect(await seen({ context: archive, file: 'other' })).toEqual({ files, text: 'FROM d' });
    await $`rm ${archive}`;
  },
);

test('a URL is an archive or a Dockerfile, whichever it gives', async () => {
  writeFiles(shop.context, { a: '1', Dockerfile: 'FROM c', other: 'FROM d' });
  const { stdout } = await $`tar -z -C ${shop.context} -c .`.quiet();
  using server = Bun.serve({
    port: 0,
    fetch: ({ url }) => {
      if (url.endsWith('/Dockerfile')) return new Response('FROM e');
      return url.endsWith('/ctx') ? new Response(stdout) : new Response('', { status: 404 });
    },
  });
  const files = ['Dockerfile', 'a', 'other'];
  expect(await seen({ context: `${server.url}ctx` })).toEqual({ files, text: 'FROM c' });
  const other = await seen({ context: `${server.url}ctx`, file: 'other' });
  expect(other).toEqual({ files, text: 'FROM d' });
  expect(await seen({ context: `${server.url}Dockerfile` })).toEqual({ files: [], text: 'FROM e' });
  await expect(seen({ context: `${server.url}nothing` })).rejects.toMatchObject({
    code: 'CONTEXT_FETCH_FAILED',
    message: expect.stringContaining('invalid response status 404'),
  });
});

test('a dockerfile in lower case is found, where there is no other', async () => {
  writeFiles(shop.context, { dockerfile: 'FROM a' });
  const name = async () => (await openContext({ context: shop.context })).dockerfile;
  expect(await name()).toEqual({ name: 'dockerfile', text: 'FROM a' });
  const { stdout } = await $`tar -C ${shop.context} -c .`.quiet();
  expect(await seen({ context: '-' }, stdout)).toEqual({ files: ['dockerfile'], text: 'FROM a' });
  writeFiles(shop.context, { Dockerfile: 'FROM b' });
  expect(await name()).toEqual({ name: 'Dockerfile', text: 'FROM b' });
});

test('what came from elsewhere is called as its user calls it, and not by a path of ours', async () => {
  const name = (place: ContextPlace, stdin: Uint8Array) =>
    withContext(
      shop.store,
      place,
      { stdin: chunks(stdin), signal: new AbortController().signal },
      async (found) => (await openContext(found)).dockerfile.name,
    );
  const text = Buffer.from('FROM a');
  expect(await name({ context: '-' }, text)).toBe('Dockerfile');
  expect(await name({ context: shop.context, file: '-' }, text)).toBe('Dockerfile');
  writeFiles(shop.context, { 'sub/Other': 'FROM a', Dockerfile: 'FROM a' });
  const archive = await $`tar -C ${shop.context} -c .`.quiet();
  expect(await name({ context: '-' }, archive.stdout)).toBe('Dockerfile');
  expect(await name({ context: '-', file: 'sub/Other' }, archive.stdout)).toBe('sub/Other');
});

test('a repository at a branch, and a directory in it', async () => {
  const repository = join(shop.context, 'r.git');
  writeFiles(repository, { 'sub/Dockerfile': 'FROM e', 'sub/x': '' });
  await $`git init -q -b trunk ${repository} && git -C ${repository} add . && git -C ${repository} -c user.name=n -c user.email=e commit -qm x`;
  const context = `file://${repository}#trunk:sub`;
  expect(await seen({ context })).toEqual({ files: ['Dockerfile', 'x'], text: 'FROM e' });
});

test('a Dockerfile that is a link out of the context is none', async () => {
  writeFiles(shop.context, { Dockerfile: '-> /etc/hostname' });
  const archive = `${shop.context}.tar`;
  await $`tar -C ${shop.context} -cf ${archive} .`;
  expect(existsSync('/etc/hostname')).toBe(true);
  await expect(seen({ context: archive })).rejects.toMatchObject({ code: 'CONTEXT_NOT_FOUND' });
  await $`rm ${archive}`;
});
