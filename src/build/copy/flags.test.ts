// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { chmodSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { imageOfFiles } from '../../image/testing.ts';
import { openWorkshop, type Workshop } from '../testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.remove());

test('--parents keeps the directories above, with their modes; /./ says from where', async () => {
  const { file, stat } = await shop.build(
    'FROM base\nCOPY --parents x/y/*.txt z /all\nCOPY --parents ./x/./y/*.txt /from-x/\nCOPY --parents **/deep.md /found',
    { 'x/y/a.txt': 'a', 'x/y/b.md': 'b', 'z/c': 'c', 'p/q/deep.md': 'd' },
  );
  expect([file('all/x/y/a.txt'), file('all/x/y/b.md'), file('all/z/c')]).toEqual([
    'a',
    undefined,
    'c',
  ]);
  expect([file('from-x/y/a.txt'), file('from-x/x')]).toEqual(['a', undefined]);
  expect([file('found/p/q/deep.md'), stat('found/p/q')]).toEqual(['d', '0:0 755']);
});

test('many ** lead to a file once, and in a time that one can wait for', async () => {
  const deep = 'a/'.repeat(40);
  const { file } = await shop.build(
    `FROM base\nCOPY --parents ${'**/a/'.repeat(15)}**/f ${'*f'.repeat(60)}* /\n`,
    { [`${deep}f`]: 'deep', ['f'.repeat(200)]: '' },
  );
  expect(file(`${deep}f`)).toBe('deep');
});

test('--exclude leaves out what its patterns name, below a directory and of single files', async () => {
  const { file } = await shop.build(
    'FROM base\nCOPY --exclude=*.txt --exclude=**/tmp d /d/\nCOPY --exclude=*.md *.* /e/',
    { 'd/a.txt': '', 'd/b.go': 'b', 'd/s/a.txt': 'in', 'd/s/tmp/x': '', 'f.md': '', 'f.go': 'f' },
  );
  expect([file('d/a.txt'), file('d/b.go'), file('d/s/a.txt'), file('d/s/tmp')]).toEqual([
    ...[undefined, 'b', 'in', undefined],
  ]);
  expect([file('e/f.md'), file('e/f.go')]).toEqual([undefined, 'f']);
});

test('--link follows no link of the image', async () => {
  await imageOfFiles(shop.store, 'linked', { 'real/x': '', dir: '-> real' });
  const plain = await shop.build('FROM linked\nCOPY a /dir/', { a: '1' });
  expect([plain.file('real/a'), plain.file('dir')]).toEqual(['1', 'real']);
  const linked = await shop.build('FROM linked\nCOPY --link a /dir/');
  expect([linked.file('real/a'), linked.file('dir/a')]).toEqual([undefined, '1']);
});

test('--chmod takes variables and symbolic modes', async () => {
  const { stat } = await shop.build(
    'FROM base\nARG M=u+x,go-w\nCOPY --chmod=$M a d /x/\nCOPY --chmod=0700 <<E /h\nE\n',
    { a: { mode: 0o666, content: '' }, 'd/f': { mode: 0o600, content: '' } },
  );
  expect([stat('x/a'), stat('x/f'), stat('h')]).toEqual(['0:0 744', '0:0 700', '0:0 700']);
});

test('heredocs are files of a name, an owner and a mode; <<- takes tabs away', async () => {
  const { file, stat } = await shop.build(
    'FROM base\nARG V=1\nCOPY --chown=7:8 <<-one <<"two" /h/\n\t$V \\$V\n\tone\n\t$V\ntwo\nADD <<x /y\n${V:-2}\nx\n',
  );
  expect([file('h/one'), file('h/two'), file('y'), stat('h/one')]).toEqual([
    ...['1 $V\n', '\t$V\n', '1\n', '7:8 644'],
  ]);
});

test('the cache knows content, names, modes and targets of links, and no times', async () => {
  const text = 'FROM base\nCOPY d /d';
  const at = (path: string) => join(shop.context, path);
  const last = async () => (await shop.build(text)).steps.at(-1)?.split(' ').at(-1);
  await shop.build(text, { 'd/a': '1', 'd/l': '-> a' });
  utimesSync(at('d/a'), 1, 1);
  utimesSync(at('d'), 1, 1);
  expect(await last()).toBe('cached');
  chmodSync(at('d/a'), 0o600);
  expect(await last()).toBe('done');
  renameSync(at('d/a'), at('d/b'));
  expect(await last()).toBe('done');
  rmSync(at('d/l'));
  symlinkSync('b', at('d/l'));
  expect(await last()).toBe('done');
  chmodSync(at('d'), 0o700);
  expect(await last()).toBe('done');
  expect(await last()).toBe('cached');
});

test('an owner in another stage is part of the key', async () => {
  const text = (owner: string) =>
    `FROM base AS one\nCOPY --chown=${owner} a /x/\nFROM base\nCOPY --from=one /x /y`;
  await shop.build(text('5'), { a: '' });
  expect((await shop.build(text('6'))).steps.at(-1)).toEndWith('done');
});

test('the Dockerfile may be ignored, and so may .dockerignore: it is still read', async () => {
  const { file } = await shop.build('FROM base\nCOPY . /c', {
    ...{ '.dockerignore': 'Dockerfile\n.dockerignore  \n#a\n\n!a', a: '1' },
  });
  expect([file('c/a'), file('c/Dockerfile'), file('c/.dockerignore')]).toEqual([
    ...['1', undefined, undefined],
  ]);
});

test('a pattern of .dockerignore that is none is an error that names the file', async () => {
  const error = await shop.failing('FROM base', { '.dockerignore': '[' });
  expect(error).toMatchObject({ code: 'DOCKERIGNORE_INVALID' });
  expect(error.hint).not.toBe('');
});
