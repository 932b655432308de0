import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn } from './cli.ts';

/** Volumes: what containers leave on purpose, and what they do not. */
let root = '';
let remove = () => {};
const image = 'debian:bookworm';

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  const context = join(root, 'context');
  mkdirSync(context);
  const lines = [
    `FROM ${image}`,
    'RUN mkdir -p /data/deep && echo from the image > /data/deep/file && chown -R 7:8 /data && chmod 750 /data',
    'VOLUME /data',
  ];
  writeFileSync(join(context, 'Dockerfile'), lines.join('\n'));
  expect((await cloche('build', '-q', '--network=none', '-t', 'holds', context)).err).toBe('');
}, BASE_TIMEOUT);
afterAll(() => remove());

const cloche = (...args: string[]) => clocheIn(root, args);
const run = (...args: string[]) => cloche('run', '--network=none', ...args);
const volumes = async (...args: string[]) =>
  (await cloche('volume', 'ls', '-q', ...args)).out.split('\n').filter((line) => line !== '');

test('a new volume begins with what the image has there, and keeps what is written', async () => {
  const look = ['stat', '-c', '%u:%g %a', '/data', '/data/deep/file'];
  const first = await run('--rm', '-v', 'kept:/data', 'holds', ...look);
  expect([first.out, first.err]).toEqual(['7:8 750\n7:8 644\n', '']);
  await run('--rm', '-v', 'kept:/data', 'holds', 'sh', '-c', 'echo mine > /data/deep/file');
  const { out } = await run('--rm', '-v', 'kept:/else:ro', image, 'cat', '/else/deep/file');
  expect(out).toBe('mine\n');
  const readOnly = await run('--rm', '-v', 'kept:/x:ro', image, 'touch', '/x/y');
  expect(readOnly.err).toContain('Read-only file system');
  expect(await volumes()).toEqual(['kept']);
});

test('a volume without a name goes with --rm, with rm -v, and else with prune', async () => {
  const others = async () => (await volumes()).filter((name) => name !== 'kept');
  expect((await run('--rm', 'holds', 'cat', '/data/deep/file')).out).toBe('from the image\n');
  await run('--rm', '-v', '/new', image, 'touch', '/new/file');
  expect(await others()).toEqual([]);
  await run('--name=one', 'holds', 'true');
  const [name = ''] = await others();
  expect(name).toMatch(/^[0-9a-f]{64}$/);
  expect((await cloche('rm', '-v', 'one')).code).toBe(0);
  expect(await others()).toEqual([]);
  await run('--name=two', '-v', '/new', 'holds', 'true');
  await cloche('rm', 'two');
  expect(await others()).toHaveLength(2);
  const pruned = await cloche('volume', 'prune', '-f');
  expect(pruned.out).toStartWith('Deleted Volumes:\n');
  expect(await volumes()).toEqual(['kept']);
});

test('-v …:ro holds for what is mounted below the source too', async () => {
  const source = join(root, 'has-mounts');
  mkdirSync(join(source, 'below'), { recursive: true });
  await $`mount -t tmpfs below ${source}/below`;
  try {
    const touch = [
      'sh',
      '-c',
      'ls /m && touch /m/x; touch /m/below/x; mount -o remount,rw /m/below',
    ];
    const { err, out } = await run('--rm', '-v', `${source}:/m:ro`, image, ...touch);
    expect(err.match(/Read-only file system/g)).toHaveLength(2);
    expect(out).toBe('below\n');
    expect(readdirSync(join(source, 'below'))).toEqual([]);
    const mount = ['--mount', `type=bind,source=${source},target=/m,readonly`];
    expect((await run('--rm', ...mount, image, 'touch', '/m/below/x')).code).not.toBe(0);
    expect((await run('--rm', '-v', `${source}:/m`, image, 'touch', '/m/below/x')).code).toBe(0);
    expect(readdirSync(join(source, 'below'))).toEqual(['x']);
  } finally {
    await $`umount ${source}/below`;
  }
});

test('with the network of the host nothing below /sys can be written', async () => {
  const writable = `awk '$5 ~ "^/sys" && $6 !~ "^ro" {print $5}' /proc/self/mountinfo`;
  const { out, err } = await cloche('run', '--rm', '--network=host', image, 'sh', '-c', writable);
  expect([out, err]).toEqual(['', '']);
});

test('an empty volume is filled in its place, also while a container has it', async () => {
  await cloche('volume', 'create', 'shared');
  await run('-d', '--name=has', '-v', 'shared:/s', image, 'sleep', '60');
  await run('--rm', '-v', 'shared:/data', 'holds', 'true');
  expect((await cloche('exec', 'has', 'cat', '/s/deep/file')).out).toBe('from the image\n');
  await run('--rm', '-v', 'shared:/data:nocopy', 'holds', 'rm', '-r', '/data/deep');
  await run('--rm', '-v', 'shared:/data:nocopy', 'holds', 'true');
  expect((await cloche('exec', 'has', 'ls', '/s')).out).toBe('');
  await cloche('rm', '-f', 'has');
  await cloche('volume', 'rm', 'shared');
});

test('docker’s words: create, ls, inspect, rm, and who has it', async () => {
  expect((await cloche('volume', 'create', 'box')).out).toBe('box\n');
  expect((await cloche('volume', 'create', 'box')).out).toBe('box\n');
  expect((await cloche('volume', 'ls', '-f', 'name=box')).out).toBe(
    'DRIVER   VOLUME NAME\nlocal    box\n',
  );
  const { out } = await cloche('volume', 'inspect', '-f', '{{.Mountpoint}} {{.Driver}}', 'box');
  expect(out).toBe(`${join(root, 'volumes/box')} local\n`);
  const { out: id } = await cloche('create', '--name=user', '-v', 'box:/x', image, 'true');
  const used = await cloche('volume', 'rm', 'box');
  expect([used.code, used.err]).toEqual([
    1,
    expect.stringContaining(`remove box: volume is in use - [${id.trim()}]`),
  ]);
  expect(await volumes('-f', 'dangling=true')).toEqual(['kept']);
  await cloche('rm', 'user');
  expect((await cloche('volume', 'rm', 'box')).out).toBe('box\n');
  const missing = await cloche('volume', 'rm', 'box');
  expect([missing.code, missing.err]).toEqual([
    1,
    expect.stringContaining('get box: no such volume'),
  ]);
  expect((await cloche('volume', 'rm', '-f', 'box')).code).toBe(0);
});

test.each([
  ['out/side:/x', 'includes invalid characters for a local volume name'],
  ['relative', "invalid volume specification 'relative'"],
  ['/a:/', "invalid volume specification '/a:/'"],
  ['/a:/b:rwx', "invalid mode 'rwx'"],
])('-v %s is refused, and nothing is left', async (volume, message) => {
  const { code, err } = await run('--rm', '-v', volume, image, 'true');
  expect([code, err]).toEqual([125, expect.stringContaining(message)]);
  expect((await cloche('ps', '-aq')).out).toBe('');
  expect(existsSync(join(root, 'volumes/out'))).toBe(false);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
});
