import { afterAll, expect, test } from 'bun:test';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../src/linux/perform.ts';
import { call, flags, mode, plan, text } from '../src/linux/plan/index.ts';
import { containerScene, IMAGE } from './containers.ts';

/** `cloche cp` of a container that runs: it is written through its own mounts. */
const { cloche, run } = containerScene();

const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const here = (name: string) => join(scratch, name);
const inside = async (script: string) => (await cloche('exec', 'box', 'sh', '-c', script)).out;

test('cp into one that runs: directories, links, names of one file, a fifo, modes and times', async () => {
  await run('box', 'sleep', '100');
  mkdirSync(here('d/e'), { recursive: true });
  writeFileSync(here('d/a'), 'a'.repeat(300_000));
  chmodSync(here('d/a'), 0o4711);
  linkSync(here('d/a'), here('d/e/b'));
  symlinkSync('e/b', here('d/l'));
  const fifo = [flags('AT_FDCWD'), text(here('d/p')), mode(0o010640), 0];
  await perform(plan('a fifo', [call('mknodat', fifo, 'to be copied')]));
  chmodSync(here('d/e'), 0o710);
  utimesSync(here('d/e'), 1, 2);
  utimesSync(here('d/a'), 1, 3);
  expect(await cloche('cp', here('d'), 'box:/opt')).toEqual({ code: 0, out: '', err: '' });
  const seen = await inside(
    "cd /opt/d; stat -c '%n %F %a %h %Y' a e e/b p; readlink l; wc -c < e/b",
  );
  expect(seen.split('\n')).toEqual([
    'a regular file 4711 2 3',
    'e directory 710 2 2',
    'e/b regular file 4711 2 3',
    `p fifo 640 1 ${Math.floor(statSync(here('d/p')).mtimeMs / 1000)}`,
    'e/b',
    '300000',
    '',
  ]);
  // What is there is replaced, what is not in the way stays.
  await inside('echo mine > /opt/d/mine; ln -sf /etc/passwd /opt/d/a');
  writeFileSync(here('d/a'), 'new');
  expect((await cloche('cp', `${here('d')}/.`, 'box:/opt/d')).code).toBe(0);
  expect(await inside('cat /opt/d/mine /opt/d/a; head -c 5 /etc/passwd')).toBe('mine\nnewroot:');
  expect((await cloche('cp', here('d'), 'box:/etc/passwd')).err).toContain('cannot copy directory');
  expect((await cloche('cp', here('d/a'), 'box:/no/where')).err).toContain(
    'could not find the file /no',
  );
  await cloche('rm', '-f', 'box');
});

test('cp into one that runs reaches its volumes, and nothing that is read-only or a mount itself', async () => {
  writeFileSync(here('config'), 'of the host');
  writeFileSync(here('file'), 'f'.repeat(100_000));
  const mounts = [
    '-v',
    'data:/data',
    '-v',
    `${here('config')}:/config`,
    '--tmpfs',
    '/tmp:size=64k',
  ];
  await cloche(
    'run',
    '-d',
    '--name',
    'box',
    '--network',
    'none',
    '--read-only',
    ...mounts,
    IMAGE,
    'sleep',
    '100',
  );
  expect((await cloche('cp', here('config'), 'box:/data/deep')).code).toBe(0);
  expect(await inside('cat /data/deep')).toBe('of the host');
  await inside('echo theirs > /data/theirs');
  await cloche('cp', 'box:/data', here('data'));
  expect(readFileSync(here('data/theirs'), 'utf8')).toBe('theirs\n');
  for (const [target, says] of [
    ['/opt', 'marked read-only'],
    ['/config', 'the file is a mount of its own'],
    ['/etc/hosts', 'the file is a mount of its own'],
    ['/tmp/file', 'no space left on device'],
    ['/proc/file', 'takes nothing new'],
  ] as const) {
    const { code, err } = await cloche('cp', here('file'), `box:${target}`);
    expect([code, err]).toEqual([1, expect.stringContaining(says)]);
  }
  // Nothing was let go of, nothing is there by half.
  expect(await inside('cat /config; ls /tmp; grep -c box /etc/hosts')).toBe('of the host0\n');
  expect(readFileSync(here('config'), 'utf8')).toBe('of the host');
  await cloche('rm', '-f', 'box');
  await cloche('volume', 'rm', 'data');
});

test('cp of one that runs gives what it sees, and of the kernel’s own directories only their names', async () => {
  const script = 'rm -rf /etc/apt; mkdir /etc/apt; echo new > /etc/apt/new; exec sleep 100';
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  await cloche('cp', 'box:/etc/apt', here('running'));
  await cloche('stop', '-t', '0', 'box');
  // The layer's own note hides what the image has there.
  await cloche('cp', 'box:/etc/apt', here('stopped'));
  for (const at of ['running', 'stopped'])
    expect([...new Bun.Glob('**').scanSync(here(at))]).toEqual(['new']);
  await cloche('start', 'box');
  for (const own of ['proc', 'sys', 'dev']) {
    await cloche('cp', `box:/${own}`, here(own));
    expect(readdirSync(here(own))).toEqual([]);
  }
  await cloche('cp', 'box:/etc/hostname', here('name'));
  expect(readFileSync(here('name'), 'utf8')).toBe(await inside('hostname'));
  expect((await cloche('cp', 'box:/proc/version', scratch)).err).toContain(
    'could not find the file',
  );
  await cloche('rm', '-f', 'box');
});
