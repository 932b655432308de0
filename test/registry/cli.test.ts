import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getImage } from '../../src/image/images.ts';
import { canonical } from '../../src/image/reference.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { cloche, PROGRAM } from '../cli.ts';
import { stopping } from './answers.ts';
import { NOBODYS_CONFIG, startRegistry, type TestRegistry } from './registry.ts';
import { setScene } from './scene.ts';

/** The four commands as a user meets them. */
const source = temporaryStore();
const other = temporaryStore();
const home = mkdtempSync(join(tmpdir(), 'cloche-docker-'));
let registry: TestRegistry;
let name = '';

beforeAll(async () => {
  process.env.DOCKER_CONFIG = home;
  registry = await startRegistry({ users: { alice: 'secret' } });
  name = `${registry.address}/team/one:1`;
  await imageOfFiles(source.store, 'one:1', { 'etc/motd': 'hello' });
}, 120_000);

afterAll(async () => {
  process.env.DOCKER_CONFIG = NOBODYS_CONFIG;
  await registry.stop();
  for (const one of [other, source]) one.remove();
  rmSync(home, { recursive: true });
});

const here = (...args: string[]) => cloche(source.store.root, args);
const there = (...args: string[]) => cloche(other.store.root, args);

test('who is not logged in is told how to', async () => {
  await here('tag', 'one:1', name);
  const { code, err } = await here('push', name);
  expect(code).toBe(1);
  expect(err).toContain(`hint: cloche login ${registry.address}`);
});

test('login takes the password from stdin, warns that it is kept, and keeps it for its owner', async () => {
  const words = ['login', '-u', 'alice', '--password-stdin', registry.address];
  const wrong = await cloche(source.store.root, words, 'oops\n');
  expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('unauthorized')]);
  const { code, out, err } = await cloche(source.store.root, words, 'secret\n');
  expect([code, out]).toEqual([0, 'Login Succeeded\n']);
  expect(err).toContain('stored unencrypted');
  expect(statSync(join(home, 'config.json')).mode & 0o777).toBe(0o600);
});

test('login without a terminal and without a password says what to give', async () => {
  expect(await here('login', '-u', 'alice', registry.address)).toMatchObject({
    code: 1,
    err: expect.stringContaining('cannot perform an interactive login from a non TTY device'),
  });
  expect(await here('login', '--password-stdin', registry.address)).toMatchObject({
    code: 1,
    err: expect.stringContaining('Must provide --username with --password-stdin'),
  });
});

test('push says what docker says', async () => {
  const { manifest } = getImage(source.store, 'one:1');
  const { code, out } = await here('push', name);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    `The push refers to repository [${registry.address}/team/one]`,
    expect.stringMatching(/^[0-9a-f]{12}: Preparing$/),
    expect.stringMatching(/^[0-9a-f]{12}: Pushed$/),
    expect.stringMatching(new RegExp(`^1: digest: ${manifest} size: \\d+$`)),
    '',
  ]);
});

test('pull says what docker says, the first time and the second', async () => {
  const { manifest } = getImage(source.store, 'one:1');
  const first = await there('pull', name);
  expect(first.out.split('\n')).toEqual([
    '1: Pulling from team/one',
    expect.stringMatching(/^[0-9a-f]{12}: Pulling fs layer$/),
    expect.stringMatching(/^[0-9a-f]{12}: Download complete$/),
    expect.stringMatching(/^[0-9a-f]{12}: Pull complete$/),
    `Digest: ${manifest}`,
    `Status: Downloaded newer image for ${name}`,
    name,
    '',
  ]);
  const second = await there('pull', name);
  expect(second.out).toContain(`Status: Image is up to date for ${name}\n`);
});

test('pull -q prints the name alone; --progress json a line of JSON for each thing', async () => {
  expect((await there('pull', '-q', name)).out).toBe(`${name}\n`);
  const { out } = await there('pull', '--progress', 'json', name);
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events[0]).toEqual({ id: '1', status: 'Pulling from team/one' });
});

test('pull --all-tags takes them all, and refuses a tag beside it', async () => {
  await here('tag', 'one:1', `${registry.address}/team/one:2`);
  expect((await here('push', '-a', '-q', `${registry.address}/team/one`)).code).toBe(0);
  const { code } = await there('pull', '-a', `${registry.address}/team/one`);
  expect(code).toBe(0);
  expect(getImage(other.store, `${registry.address}/team/one:2`).tags).toHaveLength(2);
  expect(await there('pull', '-a', name)).toMatchObject({
    code: 1,
    err: expect.stringContaining('tag can not be used with --all-tags/-a'),
  });
});

test('two that pull the same image at once both have it', async () => {
  const { store, remove } = temporaryStore();
  const both = await Promise.all([1, 2].map(() => cloche(store.root, ['pull', name])));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const news = both.filter(({ out }) => out.includes('Downloaded newer image'));
  expect(news).toHaveLength(1);
  remove();
});

test('Ctrl-C ends a pull at once, in words', async () => {
  const scene = await setScene();
  const begun = Promise.withResolvers<void>();
  scene.registry.misbehave((_, { pathname }) => {
    if (pathname !== scene.layer(0)) return undefined;
    begun.resolve();
    return stopping(scene.blob(0).subarray(0, 100));
  });
  const words = [PROGRAM, 'pull', canonical(scene.name)];
  const env = { ...process.env, CLOCHE_ROOT: other.store.root };
  const child = Bun.spawn(words, { env, stdout: 'ignore', stderr: 'pipe' });
  await begun.promise;
  await Bun.sleep(200);
  child.kill('SIGINT');
  expect(await child.exited).toBe(1);
  expect(await child.stderr.text()).toStartWith('cloche: the pull was interrupted\n');
  expect(readdirSync(join(other.store.root, 'tmp'))).toEqual([]);
  scene.remove();
});

test('logout forgets, and says when there was nothing to forget', async () => {
  const { address } = registry;
  expect((await here('logout', address)).out).toBe(`Removing login credentials for ${address}\n`);
  expect((await here('logout', address)).out).toBe(`Not logged in to ${address}\n`);
  expect((await there('pull', name)).code).toBe(1);
});
