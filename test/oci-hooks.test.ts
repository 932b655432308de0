import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { readStat } from '../src/linux/proc/index.ts';
import type { Hooks } from '../src/runtime/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** Hooks: those that run inside of a container, and what becomes of a container whose hooks fail. */
setDefaultTimeout(60_000);
let bundles: Bundles;
/** A directory that host and container share. */
let shared = '';
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
  shared = join(bundles.scratch, 'shared');
  mkdirSync(shared, { mode: 0o777 });
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

/** A bundle with these hooks and with the shared directory at /mnt. */
function bundle(name: string, hooks: Hooks, script = 'echo program >> /mnt/order') {
  return bundles.bundle(name, script, (spec) => ({
    ...spec,
    hooks,
    annotations: { 'a.b': 'c' },
    mounts: [
      ...(spec.mounts ?? []),
      { destination: '/mnt', source: shared, type: 'bind', options: ['bind'] },
    ],
  }));
}

const sh = (script: string) => ({ path: '/bin/sh', args: ['sh', '-c', script], env: ['A=b'] });

test('they run in the namespaces of the container, in their order, and get its state', async () => {
  const look = (at: string, name: string) =>
    `cat > ${at}/${name}.state; readlink /proc/self/ns/mnt > ${at}/${name}.mnt; echo ${name}$A >> ${at}/order; ls /proc/self/fd > ${at}/${name}.fds; pwd > ${at}/${name}.pwd`;
  const path = await bundle('order', {
    createRuntime: [sh(`echo runtime >> ${shared}/order; cat > /dev/null`)],
    createContainer: [sh(look(shared, 'create'))],
    startContainer: [sh(look('/mnt', 'start'))],
    poststart: [sh(`cat > /dev/null`)],
  });
  expect(await oci('create', '--bundle', path, 'order')).toMatchObject({ code: 0, err: '' });
  const read = (name: string) => readFileSync(join(shared, name), 'utf8');
  expect(read('order')).toBe('runtime\ncreateb\n');
  const { pid } = JSON.parse((await oci('state', 'order')).out) as { pid: number };
  expect(JSON.parse(read('create.state'))).toMatchObject({
    ...{ id: 'order', status: 'creating', pid, bundle: path, annotations: { 'a.b': 'c' } },
  });
  const own = readlinkSync(`/proc/${pid}/ns/mnt`);
  expect((await oci('start', 'order')).code).toBe(0);
  await bundles.until('stopped', 'order');
  expect(read('order')).toBe('runtime\ncreateb\nstartb\nprogram\n');
  expect(JSON.parse(read('start.state'))).toMatchObject({ id: 'order', status: 'created', pid });
  expect([read('create.mnt'), read('start.mnt')]).toEqual([`${own}\n`, `${own}\n`]);
  expect(own).not.toBe(readlinkSync('/proc/self/ns/mnt'));
  // Its own three, and the directory that ls reads.
  for (const name of ['create', 'start']) expect(read(`${name}.fds`)).toBe('0\n1\n2\n3\n');
  expect(read('start.pwd')).toBe('/\n');
  expect((await oci('delete', 'order')).code).toBe(0);
});

test.each([
  ['a failing createContainer', { createContainer: [sh('exit 3')] }, 'exited with 3'],
  ['one that is not there', { createContainer: [{ path: '/nowhere' }] }, 'exited with 127'],
  ['one that takes too long', { createContainer: [{ ...sh('sleep 30'), timeout: 1 }] }, 'signal 9'],
  ['a failing startContainer', { startContainer: [sh('exit 4')] }, 'exited with 4'],
])('%s ends it, and nothing is left', async (what, hooks, said) => {
  const name = what.replaceAll(' ', '-');
  const path = await bundle(name, hooks, 'echo program > /mnt/never');
  const { code, err } = await oci('run', '--bundle', path, name);
  expect([code, err]).toEqual([1, expect.stringContaining(said)]);
  expect(existsSync(join(shared, 'never'))).toBe(false);
  expect((await oci('state', name)).code).toBe(1);
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-${name}`);
  expect(groups.filter((group) => existsSync(group))).toEqual([]);
});

test('what a hook does not read is in nobody’s way', async () => {
  writeFileSync(join(shared, 'order'), '');
  const path = await bundle('deaf', {
    createContainer: [sh('exec <&-; true'), sh(`echo second >> ${shared}/order`)],
  });
  expect(await oci('run', '--bundle', path, 'deaf')).toMatchObject({ code: 0, err: '' });
  expect(readFileSync(join(shared, 'order'), 'utf8')).toBe('second\nprogram\n');
});

/** What there still is of a container: its record, its cgroups. */
function leftOf(id: string): string[] {
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-${id}`);
  return [join(bundles.scratch, 'state', id), ...groups].filter((path) => existsSync(path));
}

test('a failing poststart ends the container: of run with all that is left, of start until delete', async () => {
  const path = await bundle('bad-start', { poststart: [sh('exit 3')] }, 'sleep 600');
  const failed = { code: 1, err: expect.stringContaining('exited with 3') };
  expect(await oci('run', '--bundle', path, 'bad-start')).toMatchObject(failed);
  expect(leftOf('bad-start')).toEqual([]);
  expect((await oci('create', '--bundle', path, 'bad-start')).code).toBe(0);
  expect(await oci('start', 'bad-start')).toMatchObject(failed);
  await bundles.until('stopped', 'bad-start');
  expect((await oci('delete', 'bad-start')).code).toBe(0);
});

test('a failing poststop is said, and those after it run', async () => {
  const poststop = [sh('exit 5'), { path: '/nowhere' }, sh(`touch ${shared}/second`)];
  const path = await bundle('bad-stop', { poststop }, 'exit 6');
  const second = () => existsSync(join(shared, 'second'));
  const said = expect.stringMatching(/exited with 5[\s\S]*'\/nowhere' cannot be run/);
  expect(await oci('run', '--bundle', path, 'bad-stop')).toMatchObject({ code: 6, err: said });
  expect([second(), leftOf('bad-stop')]).toEqual([true, []]);
  rmSync(join(shared, 'second'));
  await oci('run', '--detach', '--bundle', path, 'bad-stop');
  await bundles.until('stopped', 'bad-stop');
  expect(await oci('delete', 'bad-stop')).toMatchObject({ code: 0, err: said });
  expect([second(), leftOf('bad-stop')]).toEqual([true, []]);
});

test.each([
  ['is not there', '/nowhere', 'no such file or directory'],
  ['is no program', '/etc/passwd', 'permission denied'],
])('a hook that %s is an error, in the log too', async (_, hook, reason) => {
  const path = await bundle(`hook${hook.replaceAll('/', '-')}`, {
    createRuntime: [{ path: hook }],
  });
  const log = join(bundles.scratch, 'hook.log');
  writeFileSync(log, '');
  const message = `hook '${hook}' cannot be run: ${reason}`;
  expect(await oci('--log', log, 'create', '--bundle', path, 'no-hook')).toMatchObject({
    code: 1,
    err: expect.stringMatching(new RegExp(`^cloche: ${message}\n`)),
  });
  expect(readFileSync(log, 'utf8')).toContain(message);
  expect(leftOf('no-hook')).toEqual([]);
});

test('a hook that takes too long ends with all that it has started', async () => {
  const pid = join(bundles.scratch, 'hook.pid');
  const script = `sh -c 'echo $$ > ${pid}; exec sleep 30' & wait`;
  const path = await bundles.bundle('slow', 'true', (spec) => ({
    ...spec,
    hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', script], timeout: 1 }] },
  }));
  expect(await oci('create', '--bundle', path, 'slow')).toMatchObject({
    code: 1,
    err: expect.stringContaining('took longer than 1 s'),
  });
  // Who inherits it may take its time to bury it.
  expect(readStat(Number(readFileSync(pid, 'utf8')))?.state ?? 'Z').toBe('Z');
});
