import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche } from './cli.ts';

/** What `build` gives to every RUN, and `run` to its container: hosts, shared memory, limits. */
let root = '';
let context = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  context = join(root, 'context');
  mkdirSync(context);
  writeFileSync(
    join(context, 'Dockerfile'),
    'FROM debian:bookworm\nRUN tail -n2 /etc/hosts; df -k --output=size /dev/shm | tail -n1; ulimit -n; ulimit -Hn',
  );
}, BASE_TIMEOUT);

afterAll(() => remove());

const FLAGS = [
  ...['--add-host', 'db:192.0.2.7', '--add-host', 'outside=host-gateway'],
  ...['--shm-size', '8m', '--ulimit', 'nofile=100:200'],
];

/** What the RUN printed, without progress' numbers; nothing if it was not run. */
async function build(...flags: string[]) {
  const { code, err } = await cloche(root, ['build', '--progress=plain', ...flags, context]);
  const said = [...err.matchAll(/^#\d+ [\d.]+ (.*)$/gm)].map(([, line = '']) => line.trim());
  return { code, err, said };
}

test('--add-host, --shm-size and --ulimit reach RUN, and are part of what the cache knows', async () => {
  const first = await build(...FLAGS);
  expect(first.said).toEqual(['192.0.2.7\tdb', '10.88.0.1\toutside', '8192', '100', '200']);
  expect((await build(...FLAGS)).said).toEqual([]);
  const other = await build(...FLAGS.slice(0, 4));
  expect(other.said.slice(0, 3)).toEqual(['192.0.2.7\tdb', '10.88.0.1\toutside', '65536']);
  const explained = await cloche(root, ['build', '--explain', context]);
  expect(explained.out).toContain(
    '--add-host, --shm-size, --ulimit or BUILDKIT_SANDBOX_HOSTNAME give changed',
  );
  expect((await build()).said).not.toContain('192.0.2.7\tdb');
});

test('BuildKit’s own build arguments do what they say, and those that cannot are named', async () => {
  const repository = join(root, 'r.git');
  mkdirSync(repository);
  const lines = [
    'FROM debian:bookworm',
    'RUN --mount=target=/m ls -A /m; hostname; tail -n1 /etc/hosts',
    'RUN --mount=type=cache,target=/c,id=ns ls /c; touch /c/used',
  ];
  writeFileSync(join(repository, 'Dockerfile'), lines.join('\n'));
  await $`cd ${repository} && git init -q && git add . && git -c user.name=n -c user.email=e@e commit -qm x`;
  const said = async (...args: string[]) => {
    const flags = args.flatMap((arg) => ['--build-arg', `BUILDKIT_${arg}`]);
    const about = ['--progress=plain', '--no-cache', '-t', 'argued', ...flags];
    const { err } = await cloche(root, ['build', ...about, `file://${repository}`]);
    const { out: id } = await cloche(root, ['inspect', '-f', '{{.Id}}', 'argued']);
    const config = readFileSync(
      join(root, 'blobs/sha256', id.trim().replace('sha256:', '')),
      'utf8',
    );
    const output = [...err.matchAll(/^#\d+ [\d.]+ (.*)$/gm)].map(([, line = '']) => line);
    return { err, output, isInline: config.includes('dev.cloche.cache') };
  };
  const plain = await said('INLINE_CACHE=0', 'MULTI_PLATFORM=false');
  expect([plain.output.slice(0, 2), plain.isInline]).toEqual([
    ['Dockerfile', 'buildkitsandbox'],
    false,
  ]);
  expect(plain.err).not.toContain('without effect');
  const full = await said('CONTEXT_KEEP_GIT_DIR=1', 'SANDBOX_HOSTNAME=mine', 'INLINE_CACHE=1');
  expect([full.output.slice(0, 3), full.isInline]).toEqual([['.git', 'Dockerfile', 'mine'], true]);
  expect(full.output.at(-1)).toBe('used');
  const other = await said('CACHE_MOUNT_NS=other', 'MULTI_PLATFORM=1');
  expect(other.output).not.toContain('used');
  expect((await said('CACHE_MOUNT_NS=other')).output).toContain('used');
  expect(other.err).toContain('BUILDKIT_MULTI_PLATFORM: an image is written for one platform');
});

test('with the network of the host, host-gateway is its loopback', async () => {
  const { said } = await build('--network=host', '--add-host', 'outside=host-gateway');
  expect(said[1]).toBe('127.0.0.1\toutside');
});

test('they reach a container of run, and what is executed in it', async () => {
  const flags = ['run', '-d', '--rm', '--name=limited', '--network=none', ...FLAGS];
  expect((await cloche(root, [...flags, 'debian:bookworm', 'sleep', '60'])).err).toBe('');
  const script = 'grep db /etc/hosts; df -k --output=size /dev/shm | tail -n1; ulimit -Hn';
  const { out } = await cloche(root, ['exec', 'limited', 'sh', '-c', script]);
  expect(out.split('\n').map((line) => line.trim())).toEqual(['192.0.2.7\tdb', '8192', '200', '']);
  expect((await cloche(root, ['kill', 'limited'])).code).toBe(0);
});

test('a limit that this machine cannot raise is as high as it can be, and that is said', async () => {
  const held = /^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const { said, err } = await build('--ulimit', 'nofile=64:2000000');
  const isLower = err.includes('warning: RLIMIT_NOFILE');
  expect(said.slice(-2)).toEqual(['64', isLower ? (held ?? '') : '2000000']);
  expect(err.includes('raising it needs CAP_SYS_RESOURCE')).toBe(isLower);
});

test('what none of them can be is refused before anything is built', async () => {
  for (const [flag, value, why] of [
    ['--add-host', 'db:nowhere', "'nowhere' is no IP address"],
    ['--ulimit', 'nofile=9:1', '9 > 1'],
    ['--shm-size', 'large', 'a size looks like 80m'],
  ] as const) {
    const { code, err } = await build(flag, value);
    expect([code, err]).toEqual([125, expect.stringContaining(why)]);
  }
});

test('what BuildKit ignores is ignored, and so is a progress that we do not know in our environment', async () => {
  const ignored = ['--rm=false', '--force-rm', '-m', '4g', '--cpu-quota=1', '--compress=true'];
  const words = ['build', '--check', ...ignored, context];
  const { code, err } = await cloche(root, words, undefined, ['env', 'BUILDKIT_PROGRESS=strange']);
  expect([code, err]).toEqual([0, '']);
});
