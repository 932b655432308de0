import { expect, test } from 'bun:test';
import { parseHierarchies } from './detect.ts';
import type { LinuxResources } from './resources.ts';
import { settingsOf } from './settings.ts';

const kernel = '';
const names = ['memory', 'cpu', 'cpuset', 'pids', 'blkio', 'hugetlb', 'net_cls'];
const v1 = parseHierarchies({
  mountinfo: names.map((n, i) => `${i} 99 0:${i} / /cg/${n} rw - cgroup c rw,${n}`).join('\n'),
  kernel,
  v2Controllers: '',
});
const v2 = parseHierarchies({
  mountinfo: '1 99 0:1 / /cg rw - cgroup2 c rw',
  kernel,
  v2Controllers: 'cpuset cpu io memory hugetlb pids',
});
const none = parseHierarchies({ mountinfo: '', kernel, v2Controllers: '' });

const NOTHING: readonly object[] = [
  { memory: { limit: 0 } },
  { memory: { reservation: 0 } },
  { memory: { swap: 0 } },
  { memory: { kernel: 0 } },
  { memory: { kernelTCP: 0 } },
  { cpu: { shares: 0 } },
  { cpu: { quota: 0 } },
  { cpu: { period: 0 } },
  { cpu: { realtimeRuntime: 0, realtimePeriod: 0 } },
  { cpu: { cpus: '', mems: '' } },
  { pids: { limit: 0 } },
  { blockIO: { weight: 0, leafWeight: 0 } },
  { network: { classID: 0 } },
  { memory: null, cpu: null, pids: null, blockIO: null, devices: null, network: null },
  { hugepageLimits: null, rdma: null, unified: null },
];

test.each(NOTHING)('%j asks for nothing, on any kind of cgroups and without any', (resources) => {
  for (const on of [v1, v2, none])
    expect(settingsOf(on, resources as LinuxResources)).toEqual({
      files: [],
      deviceProgram: undefined,
    });
});

test('what stands beside a 0 is written all the same', () => {
  const writes = (on: typeof v1, resources: LinuxResources) =>
    settingsOf(on, resources).files.map(({ file, content }) => `${file} ${content}`);
  const memory = { limit: 4096, swap: 0, reservation: 0, kernel: 0, kernelTCP: 0 };
  expect(writes(v1, { memory })).toEqual(['memory.limit_in_bytes 4096']);
  expect(writes(v2, { memory })).toEqual(['memory.max 4096']);
  expect(writes(v1, { cpu: { shares: 512, quota: 0, period: 50_000 } })).toEqual([
    'cpu.shares 512',
    'cpu.cfs_period_us 50000',
  ]);
  const weightDevice = [{ major: 8, minor: 0, weight: 0, leafWeight: 0 }];
  expect(writes(v1, { blockIO: { weight: 10, weightDevice } })).toEqual(['blkio.bfq.weight 10']);
});

test('a 0 that is a wish is written', () => {
  const writes = (resources: LinuxResources) =>
    settingsOf(v1, resources).files.map(({ file, content }) => `${file} ${content}`);
  expect(writes({ memory: { swappiness: 0 } })).toEqual(['memory.swappiness 0']);
  const [first] = writes({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] });
  expect(first).toBe('hugetlb.2MB.limit_in_bytes 0');
  const rate = { major: 8, minor: 0, rate: 0 };
  expect(writes({ blockIO: { throttleReadBpsDevice: [rate] } })).toEqual([
    'blkio.throttle.read_bps_device 8:0 0',
  ]);
  expect(writes({ cpu: { idle: 0, burst: 0 } })).toEqual(['cpu.idle 0', 'cpu.cfs_burst_us 0']);
});
