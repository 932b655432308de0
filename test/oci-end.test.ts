import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups, openCgroup } from '../src/linux/cgroup/index.ts';
import { readStat } from '../src/linux/proc/index.ts';
import type { Spec } from '../src/runtime/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** How containers of `cloche oci` end, and that nothing of them stays, whoever was killed when. */
setDefaultTimeout(60_000);
let bundles: Bundles;
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

/** What there still is of a container: its record, its cgroups. */
function leftOf(id: string): string[] {
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-${id}`);
  return [join(bundles.scratch, 'state', id), ...groups].filter((path) => existsSync(path));
}

const groupOf = (id: string) => openCgroup(detectCgroups(), `/cloche/oci-${id}`);

/** Its own cgroups, and the right to make some below them. */
function withCgroups(spec: Spec): Spec {
  const mounts = (spec.mounts ?? []).map((mount) => ({
    ...mount,
    options: mount.options?.filter((option) => mount.type !== 'cgroup' || option !== 'ro'),
  }));
  return { ...spec, mounts };
}

test('delete --force ends a frozen container', async () => {
  const path = await bundles.bundle('frozen', 'sleep 600');
  expect(await oci('run', '--detach', '--bundle', path, 'frozen')).toMatchObject({ code: 0 });
  await groupOf('frozen').freeze();
  expect(await oci('delete', '--force', 'frozen')).toMatchObject({ code: 0, err: '' });
  expect(leftOf('frozen')).toEqual([]);
});

test('a frozen container is paused: exec refuses it, kill ends it', async () => {
  const path = await bundles.bundle('still', 'sleep 600');
  expect((await oci('run', '--detach', '--bundle', path, 'still')).code).toBe(0);
  await groupOf('still').freeze();
  expect(await bundles.statusOf('still')).toBe('paused');
  expect(await oci('exec', 'still', 'true')).toMatchObject({
    code: 255,
    err: expect.stringContaining('cannot exec in a paused container'),
  });
  expect((await oci('start', 'still')).err).toContain('in the paused state');
  expect((await oci('delete', 'still')).err).toContain('not stopped: paused');
  expect((await oci('kill', 'still', 'KILL')).code).toBe(0);
  await bundles.until('stopped', 'still');
  expect((await oci('delete', 'still')).code).toBe(0);
});

test('run takes the cgroups along that were made inside, and who outlived init', async () => {
  const script = 'mkdir /sys/fs/cgroup/$(ls /sys/fs/cgroup | grep pids || echo .)/sub && exit 3';
  const path = await bundles.bundle('sub', script, withCgroups);
  expect(await oci('run', '--bundle', path, 'sub')).toMatchObject({ code: 3, err: '' });
  expect(leftOf('sub')).toEqual([]);
  const stays = await bundles.bundle('stays', 'setsid sleep 600 & exit 4', (spec) => ({
    ...spec,
    linux: {
      ...spec.linux,
      namespaces: spec.linux?.namespaces?.filter(({ type }) => type !== 'pid'),
    },
  }));
  expect(await oci('run', '--bundle', stays, 'stays')).toMatchObject({ code: 4, err: '' });
  expect(leftOf('stays')).toEqual([]);
});

test('delete takes the cgroups along that were made inside, and who is in them', async () => {
  const inside = '/sys/fs/cgroup/$(ls /sys/fs/cgroup | grep pids || echo .)/below';
  const script = `mkdir ${inside}; echo $$ > ${inside}/cgroup.procs; echo > /dev/shm/done; exec sleep 600`;
  const path = await bundles.bundle('below', script, withCgroups);
  expect(await oci('run', '--detach', '--bundle', path, 'below')).toMatchObject({ code: 0 });
  const look = ['exec', 'below', 'cat', '/dev/shm/done'];
  while ((await oci(...look)).code !== 0) await Bun.sleep(20);
  expect(await oci('delete', '--force', 'below')).toMatchObject({ code: 0, err: '' });
  expect(leftOf('below')).toEqual([]);
});

test('a process that outlives init ends when the container is deleted, before its record goes', async () => {
  const pidFile = join(bundles.scratch, 'outlives.pid');
  writeFileSync(pidFile, '');
  const path = await bundles.bundle(
    'outlives',
    'setsid sleep 600 & echo $! > /mnt/pid; exit 3',
    (spec) => ({
      ...spec,
      mounts: [
        ...(spec.mounts ?? []),
        { destination: '/mnt/pid', source: pidFile, type: 'bind', options: ['bind'] },
      ],
      linux: {
        ...spec.linux,
        namespaces: spec.linux?.namespaces?.filter(({ type }) => type !== 'pid'),
      },
    }),
  );
  expect(await oci('run', '--detach', '--bundle', path, 'outlives')).toMatchObject({ code: 0 });
  await bundles.until('stopped', 'outlives');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(await oci('delete', 'outlives')).toMatchObject({ code: 0, err: '' });
  expect(readStat(pid)?.state ?? 'Z').toBe('Z');
  expect(leftOf('outlives')).toEqual([]);
});

test('what has become of the bundle is nothing to a container that was made from it', async () => {
  const path = await bundles.bundle('changes', 'sleep 600', (spec) => ({
    ...spec,
    hooks: {
      poststop: [{ path: '/usr/bin/touch', args: ['touch', join(bundles.scratch, 'post')] }],
    },
  }));
  expect((await oci('create', '--bundle', path, 'changes')).code).toBe(0);
  writeFileSync(join(path, 'config.json'), '{broken');
  expect(await oci('start', 'changes')).toMatchObject({ code: 0, err: '' });
  expect(await oci('exec', 'changes', 'echo', 'here')).toMatchObject({ code: 0, out: 'here\n' });
  rmSync(path, { recursive: true });
  expect(await oci('delete', '--force', 'changes')).toMatchObject({ code: 0, err: '' });
  expect(existsSync(join(bundles.scratch, 'post'))).toBe(true);
  expect(leftOf('changes')).toEqual([]);
});

test('a record that cannot be read hides no other, and delete --force takes it away', async () => {
  const path = await bundles.bundle('unread', 'sleep 600');
  for (const id of ['unread', 'read'])
    expect((await oci('run', '--detach', '--bundle', path, id)).code).toBe(0);
  writeFileSync(join(bundles.scratch, 'state', 'unread', 'state.json'), '{');
  expect(await oci('list', '--quiet')).toMatchObject({
    ...{ code: 0, out: 'read\n', err: expect.stringContaining('load container unread: ') },
  });
  expect(await oci('delete', 'unread')).toMatchObject({
    ...{ code: 1, err: expect.stringMatching(/is no JSON\nhint: .*delete --force unread/) },
  });
  for (const id of ['unread', 'read'])
    expect(await oci('delete', '--force', id)).toMatchObject({ code: 0 });
  expect([leftOf('unread'), leftOf('read')]).toEqual([[], []]);
});

/** Says to who has started it that it shall end, before anybody can know that it has begun. */
const HASTY = `trap "exit 9" TERM; read -r _ _ _ up _ < /proc/$PPID/stat; kill -TERM $up
for i in $(seq 100); do sleep 0.05; done; echo unheard`;

const onHostPids = (spec: Spec) => ({
  ...spec,
  linux: {
    ...spec.linux,
    namespaces: spec.linux?.namespaces?.filter(({ type }) => type !== 'pid'),
  },
});

test('a signal that comes as soon as the program has begun reaches it, too', async () => {
  const path = await bundles.bundle('hasty', HASTY, onHostPids);
  for (let i = 0; i < 5; i++)
    expect(await oci('run', '--bundle', path, 'hasty')).toEqual({ code: 9, out: '', err: '' });
  const calm = await bundles.bundle('calm', 'sleep 600', onHostPids);
  await oci('run', '--detach', '--bundle', calm, 'calm');
  for (let i = 0; i < 5; i++)
    expect(await oci('exec', 'calm', 'sh', '-c', HASTY)).toEqual({ code: 9, out: '', err: '' });
  await oci('delete', '--force', 'calm');
});

const COUNTS = 'trap "echo heard; exit 9" TERM; echo ready; while :; do sleep 0.05; done';

/** Begins `cloche oci …` and waits until its program has said that it is ready. */
async function begun(...args: string[]) {
  const child = Bun.spawn([PROGRAM, 'oci', '--root', join(bundles.scratch, 'state'), ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  const over = (async () => {
    for await (const chunk of child.stdout) out += new TextDecoder().decode(chunk);
  })();
  while (out !== 'ready\n' && child.exitCode === null) await Bun.sleep(5);
  return { child, over, said: () => out };
}

test('a signal to run or exec reaches the program, whose exit code they give', async () => {
  const path = await bundles.bundle('hears', COUNTS);
  const run = await begun('run', '--bundle', path, 'hears');
  const exec = await begun('exec', 'hears', 'sh', '-c', COUNTS);
  for (const { child, over, said } of [exec, run]) {
    child.kill('SIGTERM');
    await over;
    expect([await child.exited, said()]).toEqual([9, 'ready\nheard\n']);
  }
  expect(leftOf('hears')).toEqual([]);
});

test('what is left of a run that was killed goes with the next command, whatever it is about', async () => {
  const path = await bundles.bundle('killed-run', COUNTS);
  const { child } = await begun('run', '--bundle', path, 'killed-run');
  child.kill('SIGKILL');
  await child.exited;
  expect(leftOf('killed-run')).not.toEqual([]);
  expect((await oci('list', '--quiet')).out).toBe('');
  expect(leftOf('killed-run')).toEqual([]);
});
