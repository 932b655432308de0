import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../src/runtime/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** What `cloche oci` refuses, with which words and codes; nothing is left, and nothing is a stack trace. */
setDefaultTimeout(60_000);
let bundles: Bundles;
let root = '';
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
  root = join(bundles.scratch, 'state');
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

async function sh(script: string) {
  const child = Bun.spawn(['sh', '-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

test('a config without a process, or whose process has no program, is refused in runc’s words', async () => {
  const nothing = await bundles.bundle('nothing', '', (spec) => ({ ...spec, process: undefined }));
  const empty = await bundles.bundle('empty', '', (spec) => ({
    ...spec,
    process: { ...spec.process, args: undefined },
  }));
  for (const command of ['create', 'run']) {
    const none = await oci(command, '--bundle', nothing, 'x');
    expect(none).toMatchObject({
      code: 1,
      err: expect.stringContaining('process property must not be empty'),
    });
    const no = await oci(command, '--bundle', empty, 'x');
    expect(no).toMatchObject({ code: 1, err: expect.stringContaining('args must not be empty') });
  }
  expect(existsSync(join(root, 'x'))).toBe(false);
});

test('a full state directory is an error, and nothing is left in it', async () => {
  const path = await bundles.bundle('full', 'true');
  // In a mount namespace of its own, so that the host has no such filesystem.
  const place = join(bundles.scratch, 'tiny');
  const run = (command: string) =>
    `${PROGRAM} oci --root ${place}/st ${command} --bundle ${path} full`;
  const { out, err } = await sh(
    `mkdir ${place}; exec unshare --mount sh -c 'mount -t tmpfs -o size=8k tmpfs ${place}; head -c 99999 /dev/zero > ${place}/fill 2> /dev/null; ${run('create')}; echo $?; ${run('run')}; echo $?; find ${place} -mindepth 2'`,
  );
  expect(out).toBe('1\n1\n');
  expect(err.match(/no space left on device/g)).toHaveLength(2);
  expect(err).not.toContain('unexpected');
});

test('who is not root is told so', async () => {
  const path = await bundles.bundle('user-less', 'true');
  for (const directory of [bundles.scratch, path]) chmodSync(directory, 0o755);
  const as = 'setpriv --reuid 65534 --regid 65534 --clear-groups';
  const own = await sh(`${as} ${PROGRAM} oci --root /tmp/cloche-nobody run --bundle ${path} x`);
  expect(own).toMatchObject({
    code: 1,
    err: expect.stringContaining('rootless containers are not supported'),
  });
  expect((await oci('run', '--bundle', path, 'x')).code).toBe(0);
  const { code, err } = await sh(`${as} ${PROGRAM} oci --root ${root} list`);
  expect([code, err]).toEqual([
    1,
    expect.stringMatching(/^cloche: scandir .*state: permission denied/),
  ]);
  expect(readdirSync(root)).toEqual([]);
});

test('a command line that is not understood is 1, and 3 for a command that is none; the log knows', async () => {
  const log = join(bundles.scratch, 'usage.log');
  const cases: [string[], number, string][] = [
    [['delete'], 1, "missing required argument 'id'"],
    [['run', '--foo', 'x'], 1, "unknown option '--foo'"],
    [['--foo', 'list'], 1, "unknown option '--foo'"],
    [['kill', 'a', 'TERM', 'c'], 1, 'too many arguments'],
    [['list', '--format', 'foo'], 1, 'invalid format option'],
    [['frob'], 3, "unknown command 'frob'"],
  ];
  for (const [words, code, said] of cases) {
    rmSync(log, { force: true });
    const ran = await oci('--log', log, ...words);
    expect([words, ran.code, ran.err]).toEqual([
      words,
      code,
      expect.stringContaining(`cloche: ${said}`),
    ]);
    expect(readFileSync(log, 'utf8')).toContain(`level=error msg="${said}`);
  }
  expect(await oci('--log', '/nowhere/log', 'list')).toMatchObject({
    ...{ code: 1, err: expect.stringContaining("cannot write the log '/nowhere/log'") },
  });
  // By force, what is not there is gone.
  expect(await oci('delete', '--force', 'nobody')).toMatchObject({ code: 0, err: '' });
});

test('the flags that other engines give are taken', async () => {
  expect(await oci('--version')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^cloche version .*\nspec: 1/),
  });
  const flags = ['--debug', '--rootless', 'auto', '--log', join(bundles.scratch, 'log'), 'list'];
  expect(await oci(...flags)).toMatchObject({ code: 0, err: '' });
  const path = join(bundles.scratch, 'rootless');
  mkdirSync(path);
  expect((await oci('spec', '--rootless', '--bundle', path)).code).toBe(0);
  const { linux } = JSON.parse(readFileSync(join(path, 'config.json'), 'utf8')) as Spec;
  expect(linux?.uidMappings).toEqual([{ containerID: 0, hostID: 0, size: 1 }]);
  expect(linux?.namespaces?.map(({ type }) => type)).not.toContain('network');
});
