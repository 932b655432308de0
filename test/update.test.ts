import { expect, test } from 'bun:test';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { containerScene, IMAGE } from './containers.ts';

/** Limits that change; each is looked for in the kernel. */
const { cloche } = containerScene();

const V1 = detectCgroups().of.memory?.version === 1;
const KNOBS = V1
  ? 'memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max'
  : 'memory.max cpu.max pids.max';

async function limits(): Promise<string[]> {
  const script = `cd /sys/fs/cgroup && cat ${KNOBS}`;
  return (await cloche('exec', 'box', 'sh', '-c', script)).out
    .replaceAll(' 100000', '')
    .split('\n');
}

const kept = async (field: string) =>
  (await cloche('inspect', '-f', `{{.HostConfig.${field}}}`, 'box')).out.trim();

test('update changes what runs, and what it will be started with', async () => {
  const words = ['--network=none', '--name=box', '--memory=64m', '--cpus=1'];
  await cloche('run', '-d', ...words, IMAGE, 'sleep', '100');
  const first = ['--memory', '128m', '--cpus', '0.5', '--pids-limit', '50'];
  expect(await cloche('update', ...first, 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
  expect(await limits()).toEqual(['134217728', '50000', '50', '']);
  await cloche('update', '--memory=96m', '--cpu-quota=20000', '--pids-limit=-1', 'box');
  expect(await limits()).toEqual(['100663296', '20000', 'max', '']);
  await cloche('restart', '-t', '0', 'box');
  expect((await limits()).slice(0, 2)).toEqual(['100663296', '20000']);
  expect([await kept('Memory'), await kept('NanoCpus'), await kept('CpuQuota')]).toEqual([
    ...['100663296', '0', '20000'],
  ]);
  await cloche('stop', '-t', '0', 'box');
  await cloche('update', '--memory', '80m', 'box');
  expect(await kept('Memory')).toBe(String(80 * 2 ** 20));
  await cloche('rm', 'box');
});

test('what the kernel refuses, or what says nothing, changes nothing', async () => {
  await cloche('run', '-d', '--network=none', '--name=box', '-m', '64m', IMAGE, 'sleep', '100');
  const nothing = await cloche('update', 'box');
  expect([nothing.code, nothing.err]).toEqual([1, expect.stringContaining('one or more flags')]);
  const refused = await cloche('update', '--cpuset-cpus', '900', '-m', '80m', 'box', 'nope');
  expect([refused.code, refused.out]).toEqual([1, '']);
  expect(refused.err).toContain('no such container: nope');
  expect(await kept('Memory')).toBe(String(64 * 2 ** 20));
  const both = await cloche('update', '--cpus=1', '--cpu-quota=5000', 'box');
  expect(both.err).toContain('conflicting options');
  await cloche('rm', '-f', 'box');
});
