import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { readStat } from '../src/linux/proc/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** The runtime by itself, driven as other engines drive runc. */
let bundles: Bundles;
let scratch = '';
const oci = (...args: string[]) => bundles.oci(...args);
const bundle: Bundles['bundle'] = (...about) => bundles.bundle(...about);
const statusOf = (id: string) => bundles.statusOf(id);
const until = (wanted: string, id: string) => bundles.until(wanted, id);

beforeAll(async () => {
  bundles = await openBundles();
  scratch = bundles.scratch;
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

test('run gives the exit code of the program', async () => {
  const path = await bundle('run', 'echo here; id -u; exit 7');
  expect(await oci('run', '--bundle', path, 'run')).toMatchObject({ code: 7, out: 'here\n0\n' });
  expect((await oci('state', 'run')).err).toContain("container does not exist: 'run'");
});

test('create, start, kill and delete lead from created to running to stopped to nothing', async () => {
  const path = await bundle('life', 'touch /dev/shm/begun; sleep 1000');
  const pidFile = join(scratch, 'pid');
  expect(await oci('create', '--bundle', path, '--pid-file', pidFile, 'life')).toMatchObject({
    code: 0,
  });
  expect(await statusOf('life')).toBe('created');
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(existsSync(`/proc/${pid}/root/dev/shm/begun`)).toBe(false);
  expect((await oci('create', '--bundle', path, 'life')).err).toContain('already exists');
  expect(await oci('start', 'life')).toMatchObject({ code: 0 });
  expect(await statusOf('life')).toBe('running');
  expect((await oci('start', 'life')).err).toContain('already running');
  expect((await oci('delete', 'life')).err).toContain('not stopped: running');
  expect((await oci('list', '--format', 'json')).out).toContain('"id":"life"');
  expect(await oci('exec', 'life', 'sh', '-c', 'ls /dev/shm; exit 5')).toMatchObject({
    code: 5,
    out: 'begun\n',
  });
  expect(await oci('kill', 'life', 'KILL')).toMatchObject({ code: 0 });
  await until('stopped', 'life');
  expect((await oci('kill', 'life')).err).toContain('not running');
  expect(await oci('delete', 'life')).toMatchObject({ code: 0 });
  // Who inherits it may take its time to bury it.
  expect(readStat(pid)?.state ?? 'Z').toBe('Z');
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-life`);
  expect(groups.filter((group) => existsSync(group))).toEqual([]);
});

test('delete --force ends what runs', async () => {
  const path = await bundle('force', 'sleep 1000');
  await oci('run', '--detach', '--bundle', path, 'force');
  await until('running', 'force');
  expect(await oci('delete', '--force', 'force')).toMatchObject({ code: 0 });
  expect((await oci('state', 'force')).code).not.toBe(0);
});

test('limits of the config are in the cgroup, and a filter in the kernel', async () => {
  const limit = 64 * 1024 * 1024;
  const path = await bundle('limits', 'grep ^Seccomp: /proc/self/status; sleep 1000', (spec) => ({
    ...spec,
    linux: {
      ...spec.linux,
      cgroupsPath: '/cloche/oci-limits-here',
      resources: { memory: { limit }, pids: { limit: 12 } },
      seccomp: {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
      },
    },
  }));
  expect(await oci('create', '--bundle', path, 'limits')).toMatchObject({ code: 0, err: '' });
  const { of } = detectCgroups();
  const read = (tree: 'memory' | 'pids', v1: string, v2: string) =>
    readFileSync(
      `${of[tree]?.mountPoint}/cloche/oci-limits-here/${of[tree]?.version === 1 ? v1 : v2}`,
      'utf8',
    ).trim();
  expect(read('memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(limit));
  expect(read('pids', 'pids.max', 'pids.max')).toBe('12');
  // What is executed later has the same filter, as with runc.
  expect(await oci('exec', 'limits', 'mkdir', '/dev/shm/x')).toMatchObject({
    code: 1,
    err: expect.stringContaining('Operation not permitted'),
  });
  expect(await oci('delete', '--force', 'limits')).toMatchObject({ code: 0 });
});

test('a user namespace maps root to somebody else', async () => {
  const path = await bundle(
    'user',
    'id -u; cat /proc/self/uid_map; ls -ld /proc | cut -d" " -f3',
    (spec) => ({
      ...spec,
      linux: {
        ...spec.linux,
        namespaces: [...(spec.linux?.namespaces ?? []), { type: 'user' }],
        uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
        gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
      },
    }),
  );
  const { code, out, err } = await oci('run', '--bundle', path, 'user');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^0\n +0 +100000 +65536\n/);
});

test('hooks get the state, and one that fails fails the create', async () => {
  const hook = join(scratch, 'hook.sh');
  const seen = join(scratch, 'seen');
  writeFileSync(hook, `#!/bin/sh\ncat > ${seen}.$1\nexit $2\n`, { mode: 0o755 });
  const hooks = (code: number) => ({
    createRuntime: [{ path: hook, args: ['hook', 'created', String(code)] }],
    poststart: [{ path: hook, args: ['hook', 'started', '0'] }],
    poststop: [{ path: hook, args: ['hook', 'stopped', '0'] }],
  });
  const good = await bundle('hooks', 'true', (spec) => ({ ...spec, hooks: hooks(0) }));
  expect(await oci('run', '--bundle', good, 'hooks')).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(`${seen}.created`, 'utf8'))).toMatchObject({
    id: 'hooks',
    status: 'creating',
    bundle: good,
  });
  for (const when of ['started', 'stopped']) expect(existsSync(`${seen}.${when}`)).toBe(true);
  const bad = await bundle('badhooks', 'true', (spec) => ({ ...spec, hooks: hooks(3) }));
  expect(await oci('create', '--bundle', bad, 'badhooks')).toMatchObject({
    code: 1,
    err: expect.stringContaining('exited with 3'),
  });
  expect((await oci('state', 'badhooks')).code).toBe(1);
  const groups = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/oci-badhooks`);
  expect(groups.filter((group) => existsSync(group))).toEqual([]);
});

test.each([
  ['no JSON', '{', 'is no JSON'],
  [
    'a cwd that is relative',
    '{"ociVersion":"1.0.0","process":{"user":{"uid":0,"gid":0},"cwd":"x"}}',
    'process.cwd',
  ],
  ['no version', '{}', 'ociVersion'],
  [
    'AppArmor',
    '{"ociVersion":"1.0.0","process":{"user":{"uid":0,"gid":0},"cwd":"/","apparmorProfile":"x"}}',
    'apparmorProfile',
  ],
  [
    'no rootfs',
    '{"ociVersion":"1.0.0","process":{"user":{"uid":0,"gid":0},"cwd":"/","args":["true"]},"root":{"path":"nowhere"}}',
    'nowhere',
  ],
])('a config.json with %s is refused and nothing is left', async (name, config, wanted) => {
  const path = mkdtempSync(join(scratch, 'bad-'));
  writeFileSync(join(path, 'config.json'), config);
  const { code, err } = await oci('create', '--bundle', path, 'bad');
  expect([name, code]).toEqual([name, 1]);
  expect(err).toContain(wanted);
  expect(existsSync(join(scratch, 'state', 'bad'))).toBe(false);
});

test('--no-pivot is refused, for create and for run, and nothing is left', async () => {
  const path = await bundle('refused', 'true');
  for (const command of ['create', 'run']) {
    const { code, err } = await oci(command, '--bundle', path, '--no-pivot', 'refused');
    expect(err).toContain('not supported: --no-pivot');
    expect(code).toBe(1);
  }
  expect(existsSync(join(scratch, 'state', 'refused'))).toBe(false);
});

test('exec refuses a user that is no number', async () => {
  const path = await bundle('nobody', 'sleep 60');
  expect((await oci('run', '--detach', '--bundle', path, 'nobody')).code).toBe(0);
  try {
    const { code, err } = await oci('exec', '--user', 'abc', 'nobody', 'id');
    expect([code, err]).toEqual([255, expect.stringContaining("invalid user 'abc'")]);
    expect((await oci('exec', '--user', '7:8', 'nobody', 'id', '-u')).out).toBe('7\n');
  } finally {
    expect((await oci('delete', '--force', 'nobody')).code).toBe(0);
  }
});

test('a bundle as runc writes it: its own cgroups, and nothing above them', async () => {
  const show = 'cat /proc/self/mountinfo; touch /sys/fs/cgroup/x; cat /sys/fs/cgroup/pids/pids.max';
  const path = await bundle('runc', show, (spec) => ({
    ...spec,
    // What `runc spec` names as ambient is not inheritable; that is a warning and no more.
    process: {
      ...spec.process,
      capabilities: { ...spec.process?.capabilities, ambient: ['CAP_KILL'] },
    },
    linux: { ...spec.linux, resources: { ...spec.linux?.resources, pids: { limit: 17 } } },
  }));
  const { out, err, code } = await oci('run', '--bundle', path, 'runc');
  const { mode, all } = detectCgroups();
  const mounts = out.split('\n').filter((line) => / - cgroup2? /.test(line));
  expect(mounts.every((line) => / \/ \/sys\/fs\/cgroup\S* ro,nosuid,nodev,noexec/.test(line))).toBe(
    true,
  );
  expect(mounts).toHaveLength(
    mode === 'v2' ? 1 : all.filter(({ version }) => version === 1).length,
  );
  expect(err).toContain('not inheritable, and so not ambient: CAP_KILL');
  expect(err).toContain("cannot touch '/sys/fs/cgroup/x': Read-only file system");
  if (mode !== 'v2') expect([out.trim().split('\n').at(-1), code]).toEqual(['17', 0]);
});
