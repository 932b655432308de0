import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeBase } from '../src/image/bases/make.ts';
import { recipeOf } from '../src/image/bases/recipe.ts';
import {
  configOf,
  findImage,
  getImage,
  openStore,
  parseReference,
  removeImage,
  resolveImage,
  type Store,
  stackOf,
} from '../src/image/index.ts';
import { BASE_TIMEOUT, freshBaseRoot, makeHere } from './base.ts';
import { needTools } from './tools.ts';

/** Bases that are made on this machine, from Debian's and npm's packages: what runs in them. */
const cloche = resolve(import.meta.dir, '../bin/cloche');
const DISTROLESS = 'gcr.io/distroless/nodejs22-debian12';
const MADE = ['node:22-slim', 'node:22-alpine', 'alpine', 'busybox', DISTROLESS] as const;
let store: Store;
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  store = openStore(root);
  for (const name of MADE) await makeHere(store, name);
}, BASE_TIMEOUT);

afterAll(() => {
  store.db.close();
  remove();
}, BASE_TIMEOUT);

/** Runs words in a container without a network; both outputs, without the last line's end. */
async function run(...words: readonly string[]) {
  const child = Bun.spawn([cloche, 'run', '--rm', '--network', 'none', ...words], {
    env: { ...process.env, CLOCHE_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out: out.trimEnd(), err: err.trimEnd() };
}

const said = async (...words: readonly string[]) => (await run(...words)).out;

const labelOf = (name: string) =>
  configOf(store, getImage(store, name)).config.Labels?.['dev.cloche.base'] ?? '';

describe.each(['node:22-slim', 'node:22-alpine'])('%s', (image) => {
  test('runs node, its version is in NODE_VERSION, and npm and npx start', async () => {
    const script = 'console.log("v" + process.env.NODE_VERSION === process.version)';
    expect(await said(image, '-e', script)).toBe('true');
    expect(await said(image, 'node', '--version')).toMatch(/^v22\.\d+\.\d+$/);
    expect(await said(image, 'npm', '--version')).toMatch(/^10\.\d+\.\d+$/);
    expect(await said(image, 'npx', '--version')).toMatch(/^10\.\d+\.\d+$/);
  });

  test('takes a file or a flag for node’s, and a command for itself', async () => {
    expect(await said(image, 'sh', '-c', 'echo $0')).toBe('sh');
    expect(await said(image, '--print', '1 + 1')).toBe('2');
    const broken = await run(image, '/etc/passwd');
    expect(broken.err).toContain('SyntaxError');
    expect((await run(image, 'false')).code).toBe(1);
  });

  test('has the user node with a home that is its own', async () => {
    const words = 'id -u; id -g; cd; pwd; touch here && ls';
    expect(await said('--user', 'node', image, 'sh', '-c', words)).toBe(
      '1000\n1000\n/home/node\nhere',
    );
  });

  test('nothing of this machine’s npm is in it', async () => {
    const config = await said(image, 'npm', 'config', 'list');
    expect(config).not.toContain('registry');
    expect(config).not.toContain('cafile');
    const listed = await said(
      image,
      'sh',
      '-c',
      'ls -d /root/.npm* /usr/local/etc/npmrc /root/.cache',
    );
    expect(listed).toBe('');
  });

  test('says what it is, and is found again without being made', async () => {
    expect(labelOf(image)).toStartWith('made on this machine from ');
    expect(labelOf(image)).toContain('npm@10.');
    const seen: string[] = [];
    const again = await resolveImage(store, image, { onProgress: ({ text }) => seen.push(text) });
    expect([again.id, seen]).toEqual([getImage(store, image).id, []]);
  });
});

test('node:22-alpine has glibc for node, and BusyBox and nothing else for a shell', async () => {
  expect(labelOf('node:22-alpine')).toMatch(/libc6 .*libstdc\+\+6/);
  expect(await said('node:22-alpine', 'readlink', '-f', '/bin/sh')).toBe('/bin/busybox');
  expect((await run('node:22-alpine', 'bash')).code).not.toBe(0);
});

test('alpine is no Alpine and says so, apk above all', async () => {
  expect(labelOf('alpine')).toContain('stand-in for Alpine');
  expect(await said('alpine', 'cat', '/etc/os-release')).toContain('Not Alpine Linux');
  const apk = await run('alpine', 'apk', 'add', '--no-cache', 'nodejs');
  expect(apk.code).toBe(1);
  expect(apk.err).toContain("apk: this is not Alpine Linux but cloche's stand-in");
  expect(apk.err).toContain('hint: ');
});

test('alpine runs what is linked to musl, by its own name for it and by others’', async () => {
  needTools('musl-gcc');
  const made = mkdtempSync(join(tmpdir(), 'cloche-musl-'));
  writeFileSync(
    join(made, 'hi.c'),
    '#include <stdio.h>\nint main(void) { return puts("hi") < 0; }\n',
  );
  const { exitCode } = Bun.spawnSync(['musl-gcc', '-o', `${made}/hi`, `${made}/hi.c`]);
  expect(exitCode).toBe(0);
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const words = `/made/hi && ls /lib/libc.musl-${machine}.so.1 && /lib/ld-musl-${machine}.so.1 2>&1`;
  const { out } = await run('-v', `${made}:/made:ro`, 'alpine', 'sh', '-c', words);
  expect(out).toStartWith(`hi\n/lib/libc.musl-${machine}.so.1\nmusl libc (${machine})\n`);
  expect(labelOf('alpine')).toMatch(/busybox-static .*musl 1\./);
  rmSync(made, { recursive: true });
}, 120_000);

test.each(['alpine', 'busybox'])(
  '%s: addgroup and adduser, as Dockerfiles use them',
  async (image) => {
    const words = [
      'addgroup -S app && adduser -S app -G app && id app',
      'adduser -D -u 1234 bob && addgroup bob app && id bob && stat -c %U /home/bob',
      'su bob -c whoami; adduser bob',
    ];
    const { out, err } = await run(image, 'sh', '-c', words.join('; '));
    expect(out.split('\n')).toEqual([
      'uid=100(app) gid=100(app) groups=100(app)',
      'uid=1234(bob) gid=1234(bob) groups=1234(bob),100(app)',
      'bob',
      'bob',
    ]);
    expect(err).toContain("adduser: user 'bob' in use");
  },
);

test('a point release or a date is the suite as it is now, and says so', async () => {
  const seen: string[] = [];
  const [name, recipe] = [parseReference('debian:12.5'), recipeOf(parseReference('debian:12.5'))];
  if (recipe === undefined) throw new Error('no recipe');
  const image = await makeBase(store, name, recipe, { onProgress: ({ text }) => seen.push(text) });
  expect(image.chainId).toBe(getImage(store, 'debian:bookworm').chainId);
  const note = 'the mirror has bookworm as it is today, and not as of 12.5';
  expect(labelOf('debian:12.5')).toEndWith(note);
  expect(seen[0]).toBe(`taking debian:bookworm for it: ${note}`);
});

test('backports are among the sources of the tag that names them', async () => {
  await makeHere(store, 'debian:bookworm-backports');
  const sources = 'cat /etc/apt/sources.list.d/*.sources | grep ^Suites | sort';
  const suites = (await said('debian:bookworm-backports', 'sh', '-c', sources)).split('\n');
  expect(suites).toContain('Suites: bookworm');
  expect(suites).toContain('Suites: bookworm-backports');
  expect(labelOf('debian:bookworm-backports')).toContain('from debian:bookworm, made here too');
}, 60_000);

test('busybox has its applets', async () => {
  expect(await said('busybox', 'sh', '-c', 'echo a b | cut -d" " -f2')).toBe('b');
  expect(configOf(store, getImage(store, 'busybox')).config.Cmd).toEqual(['sh']);
});

test('distroless runs node as its entrypoint, and has no shell', async () => {
  const script = 'console.log(process.version, process.getuid(), tls.rootCertificates.length > 9)';
  expect(await said(DISTROLESS, '-e', script)).toMatch(/^v22\.\d+\.\d+ 0 true$/);
  const zone =
    'console.log(fs.readFileSync("/usr/share/zoneinfo/Europe/Berlin", "latin1").slice(0, 4))';
  expect(await said('--user', 'nonroot', DISTROLESS, '-e', zone)).toBe('TZif');
  for (const shell of ['sh', 'bash', 'busybox', '/bin/sh'])
    expect((await run('--entrypoint', shell, DISTROLESS)).code).toBe(127);
  expect(labelOf(DISTROLESS)).toContain('stand-in for distroless');
});

test('distroless’ tag nonroot is a user without rights', async () => {
  await makeHere(store, 'gcr.io/distroless/static-debian12:nonroot');
  const { User, WorkingDir } = configOf(
    store,
    getImage(store, 'gcr.io/distroless/static-debian12:nonroot'),
  ).config;
  expect([User, WorkingDir]).toEqual(['65532', '/home/nonroot']);
}, 30_000);

test('the same packages give the same layers', async () => {
  const layers = () =>
    stackOf(store, getImage(store, 'node:22-alpine').chainId).map(({ diffId }) => diffId);
  const before = layers();
  removeImage(store, 'node:22-alpine');
  removeImage(store, 'alpine');
  await makeHere(store, 'node:22-alpine');
  expect(layers()).toEqual(before);
}, 60_000);

test('debian’s layers hold no date of today', () => {
  const [layer] = stackOf(store, getImage(store, 'debian:bookworm-slim').chainId);
  const shadow = readFileSync(`${layer?.directory}/etc/shadow`, 'utf8');
  expect(shadow).not.toContain(`:${Math.floor(Date.now() / 86_400_000)}:`);
  expect(shadow).toMatch(/^root:\*:\d{5}:/);
});

test('node:22, the fat one, has a compiler, git and Python', async () => {
  await makeHere(store, 'node:22');
  const words =
    'gcc --version && make --version && git --version && python3 --version && curl --version';
  const { code, out } = await run('node:22', 'sh', '-c', words);
  expect([code, out]).toEqual([0, expect.stringContaining('Python 3')]);
  expect(labelOf('node:22')).toContain('buildpack-deps:bookworm');
  expect(labelOf('buildpack-deps:bookworm')).toContain('a few of the packages');
}, 120_000);

test('a version or a line that is not there is an error that lists what there is', async () => {
  const refused = (name: string) =>
    makeHere(store, name).then(
      () => undefined,
      (error) => error,
    );
  expect(await refused('node:18-slim')).toMatchObject({
    code: 'NODE_VERSION_UNKNOWN',
    hint: expect.stringMatching(/no line that lives.* 22\.\d+\.\d+, 24\./),
  });
  expect(await refused('node:22.999-slim')).toMatchObject({
    hint: expect.stringContaining("Node 22 lives, but has no '22.999'"),
  });
  expect(findImage(store, 'node:18-slim')).toBeUndefined();
}, 30_000);
