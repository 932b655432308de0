import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** Programs that cannot be run: who says so, and when. Engines make 127 and 126 of runc's words. */
setDefaultTimeout(60_000);
let bundles: Bundles;
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

let made = 0;

/** A bundle whose program is this. */
function bundle(args: readonly string[], more: object = {}) {
  return bundles.bundle(`program-${made++}`, '', (spec) => ({
    ...spec,
    ...more,
    process: { ...spec.process, args },
  }));
}

function leftOf(id: string): string[] {
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-${id}`);
  return [join(bundles.scratch, 'state', id), ...groups].filter((path) => existsSync(path));
}

test.each([
  ['nope', 'exec: "nope": executable file not found in $PATH'],
  ['/bin/nope', 'exec: "/bin/nope": stat /bin/nope: no such file or directory'],
  ['/etc/passwd', 'exec: "/etc/passwd": permission denied'],
  ['/etc', 'exec: "/etc": permission denied'],
])('%s fails at create and at run, in runc’s words, and nothing is left', async (name, said) => {
  const path = await bundle([name]);
  for (const words of [['create'], ['run', '--detach'], ['run']])
    expect([words, await oci(...words, '--bundle', path, 'none')]).toMatchObject([
      words,
      { code: 1, err: expect.stringContaining(`cloche: ${said}\n`) },
    ]);
  expect(leftOf('none')).toEqual([]);
});

test('exec says it in the same words, and writes no pid', async () => {
  const path = await bundle(['sleep', '600']);
  expect((await oci('run', '--detach', '--bundle', path, 'some')).code).toBe(0);
  const pidFile = join(bundles.scratch, 'none.pid');
  for (const flags of [[], ['--detach', '--pid-file', pidFile]])
    expect(await oci('exec', ...flags, 'some', 'nope')).toMatchObject({
      code: 255,
      err: expect.stringContaining('exec: "nope": executable file not found in $PATH'),
    });
  expect(existsSync(pidFile)).toBe(false);
  expect((await oci('delete', '--force', 'some')).code).toBe(0);
});

test('what fails only when the program is executed fails the start', async () => {
  const programs = join(bundles.scratch, 'programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'none'), '\x01\x02\x03', { mode: 0o755 });
  const mount = { destination: '/mnt', source: programs, type: 'bind', options: ['bind'] };
  const format = await bundles.bundle('format', '', (spec) => ({
    ...spec,
    mounts: [...(spec.mounts ?? []), mount],
    process: { ...spec.process, args: ['/mnt/none'] },
  }));
  expect((await oci('create', '--bundle', format, 'late')).code).toBe(0);
  expect(await oci('start', 'late')).toMatchObject({
    code: 1,
    err: expect.stringContaining('exec: "/mnt/none": exec format error'),
  });
  expect((await oci('delete', 'late')).code).toBe(0);
  const bad = await bundle(['true'], {
    hooks: {
      startContainer: [{ path: '/bin/true' }, { path: '/bin/sh', args: ['sh', '-c', 'exit 4'] }],
    },
  });
  expect((await oci('create', '--bundle', bad, 'late')).code).toBe(0);
  const log = join(bundles.scratch, 'late.log');
  const said = "startContainer hook '/bin/sh' exited with 4";
  expect(await oci('--log', log, 'start', 'late')).toMatchObject({
    code: 1,
    err: expect.stringContaining(said),
  });
  expect(readFileSync(log, 'utf8')).toContain(said);
  expect(await bundles.statusOf('late')).toBe('stopped');
  expect((await oci('delete', 'late')).code).toBe(0);
});
