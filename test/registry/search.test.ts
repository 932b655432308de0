import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { searchImages } from '../../src/image/registry/search.ts';
import { cloche as clocheIn } from '../cli.ts';
import { patience } from './scene.ts';

/** A registry that can be searched as Docker Hub can. */
const asked: string[] = [];
let root = '';
let server: ReturnType<typeof Bun.serve>;
let domain = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'cloche-search-'));
  server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
  domain = `127.0.0.1:${server.port}`;
});
afterAll(async () => {
  await server.stop(true);
  rmSync(root, { recursive: true });
});

function answer(request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  asked.push(`${pathname}?${searchParams}`);
  const word = searchParams.get('q');
  if (pathname !== '/v1/search' || word === 'none') return new Response('', { status: 404 });
  if (word === 'page') return new Response('<html>');
  if (word === 'busy') return new Response('', { status: 503 });
  const about = `The one that all know,\nand whose description is long`;
  return Response.json({
    results: [
      { name: 'nginx', description: about, star_count: 900, is_official: true },
      { name: 'other/nginx', description: null, star_count: 3 },
    ],
  });
}

const search = (...words: string[]) => clocheIn(root, ['search', ...words]);

test('search lists what the registry has found', async () => {
  const { code, out } = await search('--limit', '7', `${domain}/nginx`);
  expect([code, asked.at(-1)]).toEqual([0, '/v1/search?q=nginx&n=7']);
  expect(out.split('\n').map((line) => line.replaceAll(/ {2,}/g, '|'))).toEqual([
    'NAME|DESCRIPTION|STARS|OFFICIAL',
    'nginx|The one that all know, and whose description…|900|[OK]',
    'other/nginx|3',
    '',
  ]);
});

test.each([
  [['-f', 'is-official=true'], 'nginx\n'],
  [['-f', 'is-official=false'], 'other/nginx\n'],
  [['-f', 'stars=4'], 'nginx\n'],
])('search %j', async (flags, names) => {
  const { out } = await search(...flags, '--format', '{{.Name}}', `${domain}/nginx`);
  expect(out).toBe(names);
});

test.each([
  ['none', 'SEARCH_UNKNOWN'],
  ['page', 'SEARCH_UNKNOWN'],
  ['busy', 'REGISTRY_FAILED'],
])('a registry that answers with %s gives %s', async (word, code) => {
  expect(searchImages(domain, word, { patience })).rejects.toMatchObject({ code });
});

test('a registry that is not in reach is a clear error, and so is a number that is none', async () => {
  const nobody = await search('127.0.0.1:1/nginx');
  expect([nobody.code, nobody.err]).toEqual([
    1,
    expect.stringContaining("cloche: '127.0.0.1:1' refuses connections"),
  ]);
  expect((await search('--limit', '101', 'nginx')).code).toBe(125);
});
