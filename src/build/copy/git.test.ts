import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { writeFiles } from '../../image/testing.ts';
import { withContext } from '../contexts/fetched.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { isRepository, parseRepository } from './git-url.ts';

/** A server of repositories: `super.git` with `sub.git` in it, by a relative URL. */
let scratch: string;
let base: string;
let server: Bun.Subprocess;
let shop: Workshop;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'cloche-git-'));
  const commit = async (name: string, ...files: string[]) => {
    const git = (...words: string[]) =>
      $`git -C ${scratch}/${name} -c user.name=n -c user.email=e@e ${words}`.quiet();
    writeFiles(join(scratch, name), Object.fromEntries(files.map((file) => [file, name])));
    await git('init', '-q', '-b', 'trunk');
    await git('add', '.');
    return git;
  };
  const sub = await commit('sub.git', 'in-sub');
  await sub('commit', '-qm', 'x');
  const top = await commit('super.git', 'd/f', 'Dockerfile');
  await $`git clone -q ${scratch}/sub.git ${scratch}/super.git/s`.quiet();
  writeFiles(join(scratch, 'super.git'), {
    '.gitmodules': '[submodule "s"]\n\tpath = s\n\turl = ../sub.git\n',
  });
  await top('add', '.');
  await top('commit', '-qm', 'one');
  await top('tag', 'first');
  writeFiles(join(scratch, 'super.git'), { 'd/f': 'second' });
  await top('commit', '-qam', 'two');
  const port = await freePort();
  const program = join((await $`git --exec-path`.quiet().text()).trim(), 'git-daemon');
  const about = [`--base-path=${scratch}`, '--export-all', '--listen=127.0.0.1', `--port=${port}`];
  server = Bun.spawn([program, ...about], { stdio: ['ignore', 'ignore', 'ignore'] });
  base = `git://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if ((await $`git ls-remote ${base}/sub.git`.quiet().nothrow()).exitCode === 0) return;
    await Bun.sleep(50);
  }
});
afterAll(async () => {
  server.kill();
  await server.exited;
  rmSync(scratch, { recursive: true });
});
beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => {
  expect(readdirSync(join(shop.store.root, 'tmp'))).toEqual([]);
  shop.remove();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

test('ADD has submodules too, and queries say what is taken', async () => {
  const { file } = await shop.build(
    `FROM base
ADD ${base}/super.git /all/
ADD ${base}/super.git?submodules=false&tag=first /first/
ADD ${base}/super.git?subdir=d&ref=first&keep-git-dir=1 /d/
ADD ${base}/super.git?keep-git-dir&branch=trunk /kept/`,
  );
  expect(['all/s/in-sub', 'all/d/f', 'all/.git', 'all/s/.git'].map(file)).toEqual([
    ...['sub.git', 'second', undefined, undefined],
  ]);
  expect(['first/s/in-sub', 'first/d/f', 'd/f', 'd/.git'].map(file)).toEqual([
    ...[undefined, 'super.git', 'super.git', undefined],
  ]);
  expect(['kept/d/f', 'kept/.git', 'kept/s/in-sub'].map(file)).toEqual([
    ...['second', 'directory', 'sub.git'],
  ]);
  expect(file('kept/.git/config')).toContain(`url = ${base}/super.git\n`);
});

test('a query is understood before anything is fetched, and a commit must be the one', async () => {
  expect(await shop.failing(`FROM base\nADD ${base}/super.git?nope=1 /x`)).toMatchObject({
    code: 'DOCKERFILE_INVALID',
    message: 'Dockerfile:2:1: unexpected query "nope"',
  });
  const other = '0'.repeat(40);
  const wrong = `ADD ${base}/super.git?branch=trunk&commit=${other} /x`;
  expect(await shop.failing(`FROM base\n${wrong}`)).toMatchObject({
    code: 'ADD_CHECKSUM_MISMATCH',
  });
});

test('a context has submodules, and its .git where that is asked for', async () => {
  const { signal } = new AbortController();
  const stdin = new Blob([]).stream();
  const files = (context: string, keepGitDir?: boolean) =>
    withContext(shop.store, { context }, { stdin, signal, keepGitDir }, async (place) => [
      ...readdirSync(place.context).sort(),
      readFileSync(join(place.context, 's/in-sub'), 'utf8'),
    ]);
  const all = ['.gitmodules', 'Dockerfile', 'd', 's', 'sub.git'];
  expect(await files(`${base}/super.git`)).toEqual(all);
  expect(await files(`${base}/super.git#first`, true)).toEqual(['.git', ...all]);
  expect(await files(`${base}/super.git?keep-git-dir=false`, true)).toEqual(all);
});

test('files of this machine are nobody’s submodules', async () => {
  const { message } = await shop.failing(`FROM base\nADD file://${scratch}/super.git /x`);
  expect(message).toContain('failed to fetch');
});

test.each([
  ['https://h/a.git?ref=v1&subdir=d#v1:d', { remote: 'https://h/a.git', ref: 'v1', subdir: 'd' }],
  ['github.com/a/b?tag=v1', { remote: 'https://github.com/a/b', ref: 'refs/tags/v1' }],
  ['git@h:a/b#x:y:z', { remote: 'git@h:a/b', ref: 'x', subdir: 'y:z', submodules: true }],
  ['https://h/a.git?commit=abcdef', { ref: 'abcdef', commit: 'abcdef', keepGitDir: undefined }],
])('%s', (source, expected) => {
  expect(isRepository(source)).toBe(true);
  expect(parseRepository(source)).toMatchObject(expected);
});

test.each([
  ['https://h/a.git?ref=a#b', 'ref conflicts: "b" vs "a"'],
  ['https://h/a.git?ref=a&ref=a', 'query "ref" has multiple values'],
  ['https://h/a.git?ref=', 'query "ref" has no value'],
  ['https://h/a.git?branch=a&tag=b', 'branch conflicts with tag'],
  ['https://h/a.git?submodules=2', 'invalid submodules value: "2"'],
  ['https://h/a.git#--upload-pack=x', "'--upload-pack=x' is no name"],
])('%s is refused', (source, message) => {
  expect(() => parseRepository(source)).toThrow(message);
});
