import { expect, test } from 'bun:test';
import { ClocheError } from '../../error.ts';
import { parseHierarchies } from './detect.ts';
import { DEFAULT_DEVICE_RULES, type LinuxResources } from './resources.ts';
import { type CurrentLimits, settingsOf } from './settings.ts';
import { weightFromBlkio, weightFromShares } from './v2.ts';

const kernel = '#\nmemory\t1\t1\t1\nnet_cls\t0\t1\t1\nrdma\t0\t1\t0';
const names = ['memory', 'cpu', 'cpuacct', 'cpuset', 'pids', 'blkio', 'devices', 'hugetlb'];
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
const none = parseHierarchies({ mountinfo: '', kernel: '', v2Controllers: '' });

function writes(on: typeof v1, resources: LinuxResources, current?: CurrentLimits): string[] {
  const { files } = settingsOf(on, resources, current);
  return files.map(({ file, content }) => `${file} ← ${content}`);
}

function errorOf(on: typeof v1, resources: LinuxResources): ClocheError {
  try {
    settingsOf(on, resources);
  } catch (error) {
    if (error instanceof ClocheError) return error;
  }
  throw new Error('nothing was thrown');
}

const MIB = 1024 * 1024;

const ALL: LinuxResources = {
  memory: { limit: 80 * MIB, swap: 100 * MIB, reservation: 40 * MIB },
  cpu: { shares: 1024, quota: 5000, period: 100_000, burst: 1000, cpus: '0-1', mems: '0', idle: 0 },
  pids: { limit: 3 },
  blockIO: {
    weight: 500,
    weightDevice: [{ major: 8, minor: 0, weight: 10 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 16, rate: 2000 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 30 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 40 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 0 }],
};

test('every resource on v1', () => {
  expect(writes(v1, ALL)).toEqual([
    'memory.limit_in_bytes ← 83886080',
    'memory.memsw.limit_in_bytes ← 104857600',
    'memory.soft_limit_in_bytes ← 41943040',
    'cpu.idle ← 0',
    'cpu.shares ← 1024',
    'cpu.cfs_period_us ← 100000',
    'cpu.cfs_quota_us ← 5000',
    'cpu.cfs_burst_us ← 1000',
    'cpuset.cpus ← 0-1',
    'cpuset.mems ← 0',
    'pids.max ← 3',
    'blkio.bfq.weight ← 500',
    'blkio.bfq.weight_device ← 8:0 10',
    'blkio.throttle.read_bps_device ← 8:0 1000',
    'blkio.throttle.write_bps_device ← 8:16 2000',
    'blkio.throttle.read_iops_device ← 8:0 30',
    'blkio.throttle.write_iops_device ← 8:0 40',
    'hugetlb.2MB.limit_in_bytes ← 0',
    'hugetlb.2MB.rsvd.limit_in_bytes ← 0',
  ]);
});

test('every resource on v2', () => {
  expect(writes(v2, ALL)).toEqual([
    'memory.max ← 83886080',
    'memory.swap.max ← 20971520',
    'memory.low ← 41943040',
    'cpu.idle ← 0',
    'cpu.weight ← 100',
    'cpu.max ← 5000 100000',
    'cpu.max.burst ← 1000',
    'cpuset.cpus ← 0-1',
    'cpuset.mems ← 0',
    'pids.max ← 3',
    'io.weight ← 4950',
    'io.weight ← 8:0 1',
    'io.max ← 8:0 rbps=1000',
    'io.max ← 8:16 wbps=2000',
    'io.max ← 8:0 riops=30',
    'io.max ← 8:0 wiops=40',
    'hugetlb.2MB.max ← 0',
    'hugetlb.2MB.rsvd.max ← 0',
  ]);
});

test('memory and swap together becomes swap alone on v2', () => {
  expect(writes(v2, { memory: { limit: 5, swap: 5 } })).toContain('memory.swap.max ← 0');
  expect(writes(v2, { memory: { limit: 5, swap: -1 } })).toContain('memory.swap.max ← max');
  expect(writes(v2, { memory: { limit: 5 } })).toEqual(['memory.max ← 5']);
  expect(writes(v2, { memory: { limit: -1 } })).toEqual([
    'memory.max ← max',
    'memory.swap.max ← max',
  ]);
  expect(errorOf(v2, { memory: { limit: 5, swap: 4 } }).code).toBe('CGROUP_RESOURCES_INVALID');
  expect(errorOf(v2, { memory: { swap: 4 } }).code).toBe('CGROUP_RESOURCES_INVALID');
});

test('on v1 the limit that moves away from the other goes first', () => {
  const memory = { limit: 50, swap: 50 };
  const lowering = writes(v1, { memory }, { memorySwap: 90 });
  expect(lowering).toEqual(['memory.limit_in_bytes ← 50', 'memory.memsw.limit_in_bytes ← 50']);
  const raising = writes(v1, { memory }, { memorySwap: 20 });
  expect(raising).toEqual(['memory.memsw.limit_in_bytes ← 50', 'memory.limit_in_bytes ← 50']);
});

test('an idle cgroup gets its weight before it becomes idle', () => {
  expect(writes(v2, { cpu: { shares: 2, idle: 1 } })).toEqual(['cpu.weight ← 1', 'cpu.idle ← 1']);
  expect(writes(v1, { cpu: { shares: 2, idle: 1 } })).toEqual(['cpu.shares ← 2', 'cpu.idle ← 1']);
});

test('a lifted limit is max on v2 and -1 or max on v1; 0 pids is nobody’s wish', () => {
  const lifted = { cpu: { quota: -1 }, pids: { limit: -1 } };
  expect(writes(v2, lifted)).toEqual(['cpu.max ← max 100000', 'pids.max ← max']);
  expect(writes(v1, lifted)).toEqual(['cpu.cfs_quota_us ← -1', 'pids.max ← max']);
  expect(writes(v2, { pids: { limit: 0 } })).toEqual([]);
});

test('shares and weights meet at their ends and defaults', () => {
  expect([2, 1024, 262_144].map(weightFromShares)).toEqual([1, 100, 10_000]);
  expect([10, 1000].map(weightFromBlkio)).toEqual([1, 10_000]);
  expect(weightFromShares(2048)).toBeGreaterThan(weightFromShares(1024));
});

test('unified files go to v2 as they are, and are an error where v1 has the controller', () => {
  const unified = { 'memory.high': '1000', 'cgroup.max.depth': '3' };
  expect(writes(v2, { unified })).toEqual(['memory.high ← 1000', 'cgroup.max.depth ← 3']);
  expect(errorOf(v1, { unified })).toMatchObject({
    code: 'CGROUP_CONTROLLER_MISSING',
    message:
      "'linux.resources.unified['memory.high']' needs the memory controller of cgroup v2, which is not mounted",
    hint: expect.stringContaining('memory is on cgroup v1 here.'),
  });
  const hostile = { unified: { '../../memory.max': '1' } };
  expect(errorOf(v2, hostile).code).toBe('CGROUP_RESOURCES_INVALID');
});

test('a limit whose controller is missing is an error that names what is mounted', () => {
  const { code, hint } = errorOf(v1, { network: { classID: 1 } });
  expect(code).toBe('CGROUP_CONTROLLER_MISSING');
  expect(hint).toStartWith(
    'Mount it: mkdir /sys/fs/cgroup/net_cls && mount -t cgroup -o net_cls cgroup /sys/fs/cgroup/net_cls. Mounted: /cg/memory (v1: memory); ',
  );
  expect(errorOf(v1, { rdma: { mlx: { hcaHandles: 1 } } }).hint).toContain('cgroup_enable=rdma');
  expect(errorOf(none, { pids: { limit: 1 } }).hint).toContain('No cgroups are mounted.');
});

test('what a version cannot do is an error, never ignored', () => {
  const code = (on: typeof v1, resources: LinuxResources) => errorOf(on, resources).code;
  expect(code(v2, { memory: { swappiness: 0 } })).toBe('CGROUP_UNSUPPORTED');
  expect(code(v2, { memory: { disableOOMKiller: true } })).toBe('CGROUP_UNSUPPORTED');
  expect(code(v2, { cpu: { realtimeRuntime: 1 } })).toBe('CGROUP_UNSUPPORTED');
  expect(code(v1, { memory: { kernel: 1 } })).toBe('CGROUP_UNSUPPORTED');
  expect(code(v1, { blockIO: { leafWeight: 10 } })).toBe('CGROUP_UNSUPPORTED');
});

test('resources that say nothing need no controller', () => {
  const empty = { memory: {}, cpu: {}, blockIO: {}, devices: [], hugepageLimits: [], unified: {} };
  expect(writes(none, empty)).toEqual([]);
});

test('device rules on v1: the last one that fits decides', () => {
  const rules = [
    { allow: false },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'c', major: 1, minor: 3 },
    { allow: true, type: 'c', major: 1, minor: 5, access: 'wr' },
    { allow: false, type: 'c', major: 1, minor: 5, access: 'w' },
    { allow: true, type: 'c', major: 136 },
  ] as const;
  expect(writes(v1, { devices: rules })).toEqual([
    'devices.deny ← a',
    'devices.allow ← c *:* m',
    'devices.allow ← c 1:3 rwm',
    'devices.allow ← c 1:5 r',
    'devices.allow ← c 136:* rwm',
  ]);
  const onlyDeny = [{ allow: false, type: 'a', access: 'm' }] as const;
  expect(writes(v1, { devices: onlyDeny })).toEqual([
    'devices.deny ← b *:* m',
    'devices.deny ← c *:* m',
  ]);
  expect(writes(v1, { devices: [...rules, { allow: true }] })).toEqual([]);
});

test('an exception from an exception is refused on v1 and becomes a program on v2', () => {
  const devices = [
    { allow: false },
    { allow: true, type: 'c' },
    { allow: false, type: 'c', major: 1, minor: 3 },
  ] as const;
  expect(errorOf(v1, { devices })).toMatchObject({
    code: 'CGROUP_UNSUPPORTED',
    message: "cgroup v1 cannot keep the device rule 'c 1:3 rwm' beside 'c *:* rwm'",
  });
  expect(settingsOf(v2, { devices })).toEqual({ files: [], deviceProgram: devices });
  expect(errorOf(v1, { devices: [{ allow: true, access: 'x' }] }).code).toBe(
    'CGROUP_RESOURCES_INVALID',
  );
});

test('the default devices can be kept on v1', () => {
  const devices = [{ allow: false }, ...DEFAULT_DEVICE_RULES];
  expect(writes(v1, { devices })).toHaveLength(1 + DEFAULT_DEVICE_RULES.length);
});
