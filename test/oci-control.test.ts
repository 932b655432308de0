import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups, openCgroup } from '../src/linux/cgroup/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** What `cloche oci` does to a container that runs, and what it says of it. */
setDefaultTimeout(60_000);
let bundles: Bundles;
let path = '';
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
  path = await bundles.bundle('box', 'sleep 600 & exec sleep 601');
  expect(await oci('run', '--detach', '--bundle', path, 'box')).toMatchObject({ code: 0 });
}, BASE_TIMEOUT);

afterAll(async () => {
  await oci('delete', '--force', 'box');
  bundles.remove();
});

const limitsOf = () => openCgroup(detectCgroups(), '/cloche/oci-box').stats();

test('pause and resume; what is not so already is an error in runc’s words', async () => {
  expect((await oci('resume', 'box')).err).toContain('container not paused');
  expect(await oci('pause', 'box')).toMatchObject({ code: 0, err: '' });
  expect(await bundles.statusOf('box')).toBe('paused');
  expect(await oci('pause', 'box')).toMatchObject({
    code: 1,
    err: expect.stringContaining('container not running'),
  });
  expect(await oci('resume', 'box')).toMatchObject({ code: 0, err: '' });
  expect(await bundles.statusOf('box')).toBe('running');
  for (const command of ['pause', 'resume', 'ps', 'update', 'events'])
    expect(await oci(command, 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('container does not exist'),
    });
});

test('ps shows its processes alone, by their pids out here', async () => {
  const json = await oci('ps', '--format', 'json', 'box');
  const pids = JSON.parse(json.out) as number[];
  expect(pids).toHaveLength(2);
  const { out } = await oci('ps', 'box', '-o', 'pid,args');
  expect(
    out
      .split('\n')
      .slice(1, -1)
      .map((line) => line.trim()),
  ).toEqual([`${pids[0]} sleep 601`, `${pids[1]} sleep 600`]);
  expect((await oci('ps', 'box')).out).toMatch(/^UID .*\n.* sleep 601\n.* sleep 600\n$/);
  expect((await oci('ps', 'box', '-o', 'comm')).err).toContain('no column PID');
});

test('update changes the limits that are named, from flags and from a file', async () => {
  const words = [
    '--pids-limit',
    '70',
    '--memory',
    '64M',
    '--cpu-quota',
    '20000',
    '--cpu-period',
    '100000',
  ];
  expect(await oci('update', ...words, 'box')).toMatchObject({ code: 0, err: '' });
  expect(limitsOf()).toMatchObject({
    pids: { limit: 70 },
    memory: { limit: 64 * 1024 * 1024 },
    cpu: { quota: 20000, period: 100000 },
  });
  const file = join(bundles.scratch, 'resources.json');
  writeFileSync(file, JSON.stringify({ pids: { limit: 71 } }));
  expect(await oci('update', '--resources', file, 'box')).toMatchObject({ code: 0, err: '' });
  expect(limitsOf()).toMatchObject({ pids: { limit: 71 }, memory: { limit: 64 * 1024 * 1024 } });
  writeFileSync(file, '{');
  expect((await oci('update', '-r', file, 'box')).err).toContain('is no JSON');
});

test('events --stats prints what the kernel counts, as runc does', async () => {
  const { out, code } = await oci('events', '--stats', 'box');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    ...{ type: 'stats', id: 'box' },
    data: {
      pids: { current: 2 },
      cpu: { usage: { total: expect.any(Number) } },
      memory: { usage: { usage: expect.any(Number) } },
    },
  });
});

test('state and list name the rootfs and whose container it is', async () => {
  const more = { id: 'box', bundle: path, owner: 'root', rootfs: expect.stringMatching(/^\/.*/) };
  const state = JSON.parse((await oci('state', 'box')).out) as { rootfs: string };
  expect(realpathSync(state.rootfs)).toBe(state.rootfs);
  expect(state).toMatchObject(more);
  expect(JSON.parse((await oci('list', '--format', 'json')).out)).toMatchObject([more]);
  expect((await oci('list')).out).toMatch(/^ID .* OWNER\nbox .* root\n$/);
});

test('kill --all reaches every process, and is content when there is none', async () => {
  expect(await oci('kill', '--all', 'box', 'KILL')).toMatchObject({ code: 0, err: '' });
  await bundles.until('stopped', 'box');
  expect(await oci('kill', '--all', 'box', 'KILL')).toMatchObject({ code: 0, err: '' });
  expect(await oci('ps', '--format', 'json', 'box')).toMatchObject({ code: 0, out: '[]\n' });
  expect((await oci('update', '--pids-limit', '5', 'box')).err).toContain('container not running');
});
