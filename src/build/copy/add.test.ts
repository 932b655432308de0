import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { digestOf } from '../../image/digest.ts';
import { imageOfFiles } from '../../image/testing.ts';
import { openWorkshop, type Workshop } from '../testing.ts';

let shop: Workshop;
let scratch: string;

beforeEach(async () => {
  shop = await openWorkshop();
  scratch = mkdtempSync(join(tmpdir(), 'cloche-add-'));
});
afterEach(() => {
  expect(readdirSync(join(shop.store.root, 'tmp'))).toEqual([]);
  shop.remove();
  rmSync(scratch, { recursive: true });
});

/** A tar of `d/f` that belongs to 7:8. */
async function archive(program: string): Promise<string> {
  mkdirSync(join(scratch, 'd'));
  writeFileSync(join(scratch, 'd/f'), 'inside');
  const tar = `tar -C ${scratch} --owner=7 --group=8 --mode=0640 -c d/f`;
  await $`sh -c ${`${tar} | ${program} > ${scratch}/packed`}`.quiet();
  return readFileSync(join(scratch, 'packed')).toString('latin1');
}

test.each(['cat', 'gzip', 'bzip2', 'xz', 'zstd'])(
  'a tar through %s is unpacked',
  async (program) => {
    await archive(program);
    await $`cp ${scratch}/packed ${shop.context}/a`.quiet();
    const text =
      'FROM base\nADD a /out\nADD --chown=5:6 a /own/\nADD --unpack=false a /as-is\nCOPY a /c';
    const { file, stat } = await shop.build(text);
    expect([file('out/d/f'), stat('out/d/f'), stat('own/d/f')]).toEqual([
      'inside',
      '7:8 640',
      '5:6 640',
    ]);
    expect([file('as-is'), file('c')]).toEqual([file('as-is'), file('as-is')]);
    expect(file('as-is/d/f')).toBeUndefined();
  },
);

test('an archive goes through the image’s links, unless it has a directory in place of one', async () => {
  await imageOfFiles(shop.store, 'merged', {
    ...{ 'usr/l/old': 'old', 'usr/d/old': 'old', 'out/x': 'x', 'file/in': 'gone' },
    ...{ l: '-> usr/l', d: '-> usr/d', up: '-> ../../out', dangling: '-> /made/here' },
  });
  for (const name of ['l', 'd', 'up', 'dangling', 'usr/d'])
    mkdirSync(join(scratch, name), { recursive: true });
  for (const name of ['l/new', 'd/new', 'up/new', 'dangling/new', 'file'])
    writeFileSync(join(scratch, name), name);
  symlinkSync('loop', join(scratch, 'loop'));
  chmodSync(join(scratch, 'usr/d'), 0o711);
  const tar = $`tar -C ${scratch} --owner=7 --group=8 --no-recursion -c l/new d d/new up/new dangling/new file usr/d loop`;
  writeFileSync(join(shop.context, 'a'), Buffer.from(await tar.quiet().arrayBuffer()));
  const { file, stat } = await shop.build('FROM merged\nADD a /\nADD a a /twice/');
  expect(['l', 'usr/l/new', 'usr/l/old', 'up', 'out/new', 'out/x'].map(file)).toEqual([
    ...['usr/l', 'l/new', 'old', '../../out', 'up/new', 'x'],
  ]);
  expect(['d', 'd/new', 'usr/d/old', 'usr/d/new', 'made/here/new', 'file'].map(file)).toEqual([
    ...['directory', 'd/new', 'old', undefined, 'dangling/new', 'file'],
  ]);
  // What it only implies keeps its own, what it describes does not.
  expect(['usr', 'usr/l', 'usr/l/new', 'usr/d', 'd', 'made'].map(stat)).toEqual([
    ...['0:0 755', '0:0 755', '7:8 644', '7:8 711', '7:8 755', '0:0 755'],
  ]);
  expect(file('twice/loop')).toBe('loop');
});

test('what is no archive is copied, also where it begins like one', async () => {
  const { file } = await shop.build('FROM base\nADD a BZhx d /x/', {
    ...{ a: 'plain', BZhx: 'BZhello', 'd/e': 'e' },
  });
  expect([file('x/a'), file('x/BZhx'), file('x/e')]).toEqual(['plain', 'BZhello', 'e']);
});

test('a URL: name, mode, checksum, and unpacked only where it is asked for', async () => {
  await archive('gzip');
  const packed = readFileSync(join(scratch, 'packed'));
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: ({ url }) => {
      if (url.endsWith('/nope')) return new Response('', { status: 404 });
      const headers: Record<string, string> = url.endsWith('/named')
        ? { 'content-disposition': 'attachment; filename="../good"' }
        : {};
      return new Response(packed, { headers });
    },
  });
  const at = `http://127.0.0.1:${server.port}`;
  try {
    const sum = digestOf(packed);
    const { file, stat } = await shop.build(
      `FROM base\nADD ${at}/x/a%20b /u/\nADD ${at}/named /u/\nADD --checksum=${sum} --unpack=true ${at}/p /p`,
    );
    expect([stat('u/a b'), stat('u/good'), file('p/d/f')]).toEqual([
      '0:0 600',
      '0:0 600',
      'inside',
    ]);
    expect((await shop.build(`FROM base\nADD ${at}/ /named`)).stat('named')).toBe('0:0 600');
    for (const target of ['/d/', '/etc'])
      expect(await shop.failing(`FROM base\nADD ${at} ${target}`)).toMatchObject({
        code: 'ADD_NAME_MISSING',
        message: 'Dockerfile:2:1: cannot determine a filename from the URL',
      });
    const wrong = `sha256:${'0'.repeat(64)}`;
    expect(await shop.failing(`FROM base\nADD --checksum=${wrong} ${at}/p /p`)).toMatchObject({
      code: 'ADD_CHECKSUM_MISMATCH',
      details: { line: 2 },
    });
    const error = await shop.failing(`FROM base\nADD ${at}/nope /p`);
    expect(error.message).toContain('invalid response status 404');
  } finally {
    await server.stop(true);
  }
});

test('a git repository: a branch, a directory in it, with and without .git', async () => {
  const repository = join(scratch, 'r.git');
  const git = (...words: string[]) =>
    $`git -C ${repository} -c user.name=n -c user.email=e@e ${words}`.quiet();
  mkdirSync(join(repository, 'sub'), { recursive: true });
  writeFileSync(join(repository, 'sub/f'), 'one');
  await git('init', '-q', '-b', 'trunk');
  await git('add', '.');
  await git('commit', '-qm', 'x');
  const { file } = await shop.build(
    `FROM base\nADD file://${repository}#trunk:sub /s\nADD --keep-git-dir file://${repository} /all\nADD file://${repository} /bare`,
  );
  expect([file('s/f'), file('all/sub/f'), file('all/.git'), file('bare/.git')]).toEqual([
    ...['one', 'one', 'directory', undefined],
  ]);
  const error = await shop.failing(`FROM base\nADD file://${repository}#nope /s`);
  expect(error).toMatchObject({ code: 'ADD_FETCH_FAILED' });
});

test('an archive whose program is missing is an error, and no file that is copied as it is', async () => {
  await archive('xz');
  // Bun looks programs up in the PATH that it was started with.
  const script = `const { isArchive } = await import('${import.meta.dir}/unarchive.ts');
    await isArchive(Buffer.from('${scratch}/packed')).catch(({ code }) => console.log(code));`;
  const child = Bun.spawn([process.execPath, '-e', script], { env: { PATH: scratch } });
  expect(await new Response(child.stdout).text()).toBe('COMPRESSION_UNSUPPORTED\n');
});
