import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Linux, Process, Spec } from '../src/runtime/spec.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** What `process` of a config asks for, seen from inside. */
let bundles: Bundles;
beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);
afterAll(() => bundles.remove());

let count = 0;
async function run(script: string, process: Partial<Process>, linux: Partial<Linux> = {}) {
  const name = `process-${count++}`;
  const change = (spec: Spec) => ({
    ...spec,
    process: { ...spec.process, ...process },
    linux: { ...spec.linux, ...linux },
  });
  const bundle = await bundles.bundle(name, script, change);
  return bundles.oci('run', '-b', bundle, name);
}

const somebody = { uid: 1000, gid: 1000 };

test('a working directory that is missing is made, root’s, also where the root is read-only', async () => {
  const cwd = '/not/there';
  const ran = await run('pwd; stat -c %a:%u /not /not/there', { cwd, user: somebody });
  expect(ran).toMatchObject({ code: 0, out: '/not/there\n755:0\n755:0\n' });
});

test('a user may stand where only root may go, of a container and of exec in one', async () => {
  const ran = await run('pwd; ls 2>&1', { cwd: '/root', user: somebody });
  expect(ran.out).toStartWith("/root\nls: cannot open directory '.': Permission denied");
  const bundle = await bundles.bundle('stand', 'sleep 1000');
  await bundles.oci('run', '-d', '-b', bundle, 'stand');
  const exec = await bundles.oci('exec', '--user', '1000:1000', '--cwd', '/root', 'stand', 'pwd');
  expect(exec).toMatchObject({ code: 0, out: '/root\n' });
  await bundles.oci('delete', '--force', 'stand');
});

test('a working directory that is none is an error that says so', async () => {
  const ran = await run('true', { cwd: '/etc/passwd' });
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('ENOTDIR') });
});

test('the scheduler, the disk’s priority and the personality are those of the config', async () => {
  const process = {
    scheduler: { policy: 'SCHED_BATCH', nice: 5 },
    ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 7 },
  };
  const script = 'cut -d" " -f19,41 /proc/self/stat; ionice; uname -m';
  const ran = await run(script, process, { personality: { domain: 'LINUX32' } });
  expect(ran.out).toMatch(/^5 3\nbest-effort: prio 7\n(i686|armv8l)\n$/);
  const unknown = await run('true', { scheduler: { policy: 'SCHED_HASTE' } });
  expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("'SCHED_HASTE'") });
});

test('a new time namespace has the clocks of the config, and no other has', async () => {
  const timeOffsets = { monotonic: { secs: 1000 }, boottime: { secs: 500, nanosecs: 3 } };
  const namespaces = ['pid', 'mount', 'uts', 'ipc', 'network', 'time'] as const;
  const own = { timeOffsets, namespaces: namespaces.map((type) => ({ type })) };
  const ran = await run("tr -s ' ' < /proc/self/timens_offsets", {}, own);
  expect(ran).toMatchObject({ code: 0, out: 'monotonic 1000 0\nboottime 500 3\n' });
  const refused = await run('true', {}, { timeOffsets });
  expect(refused.err).toContain('unable to set clocks without a new time namespace');
});

test('a user namespace keeps nobody from an OOM score and kernel parameters', async () => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const namespaces = ['pid', 'mount', 'uts', 'ipc', 'network', 'user'] as const;
  const users = {
    ...{ uidMappings: ids, gidMappings: ids, sysctl: { 'net.ipv4.ip_forward': '1' } },
    namespaces: namespaces.map((type) => ({ type })),
  };
  const script = 'cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward';
  const ran = await run(script, { oomScoreAdj: 123 }, users);
  expect(ran).toMatchObject({ code: 0, out: '123\n1\n' });
});
