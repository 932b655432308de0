import { expect, test } from 'bun:test';
import { type CgroupTexts, detectCgroups, parseHierarchies, parseProcCgroup } from './detect.ts';

const BASE = `22 27 0:21 / /proc rw - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 27 0:22 / /sys rw,relatime - sysfs sysfs rw`;

const KERNEL = `#subsys_name	hierarchy	num_cgroups	enabled
cpuset	3	1	1
memory	4	10	1
net_cls	0	1	1
pids	8	1	0`;

const V1 = `${BASE}
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
38 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd`;

const UNIFIED = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw';

const V2 = `${BASE}
31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot`;

function parse(mountinfo: string, v2Controllers = ''): ReturnType<typeof parseHierarchies> {
  const texts: CgroupTexts = { mountinfo, kernel: KERNEL, v2Controllers };
  return parseHierarchies(texts);
}

function places(mountinfo: string, v2Controllers = ''): Record<string, string> {
  const { of } = parse(mountinfo, v2Controllers);
  return Object.fromEntries(
    Object.entries(of).map(([name, tree]) => [name, `v${tree.version} ${tree.mountPoint}`]),
  );
}

test('v1 only: each controller is where it is mounted, blkio is io, systemd is left alone', () => {
  expect(parse(V1).mode).toBe('v1');
  expect(places(V1)).toEqual({
    cpu: 'v1 /sys/fs/cgroup/cpu,cpuacct',
    cpuacct: 'v1 /sys/fs/cgroup/cpu,cpuacct',
    memory: 'v1 /sys/fs/cgroup/memory',
    io: 'v1 /sys/fs/cgroup/blkio',
  });
});

test('hybrid: v2 has what v1 left, and is a tree of its own even with nothing left', () => {
  const hybrid = parse(`${V1}\n${UNIFIED}`, 'hugetlb memory\n');
  expect(hybrid.mode).toBe('hybrid');
  expect(hybrid.all[0]).toBe(hybrid.unified as NonNullable<typeof hybrid.unified>);
  expect(hybrid.unified?.controllers).toEqual(['hugetlb', 'devices', 'freezer']);
  expect(hybrid.of.memory?.version).toBe(1);
  expect(parse(`${V1}\n${UNIFIED}`).unified?.mountPoint).toBe('/sys/fs/cgroup/unified');
});

test('v2 only: what cgroup.controllers lists, and what is in its core', () => {
  const { mode, unified } = parse(V2, 'cpuset cpu io memory hugetlb pids rdma misc\n');
  expect(mode).toBe('v2');
  expect(unified?.controllers).toEqual([
    ...(['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma'] as const),
    ...(['cpuacct', 'devices', 'freezer'] as const),
  ]);
});

test('a machine without cgroups mounted is none, with every controller missing', () => {
  expect(parse(BASE)).toMatchObject({ mode: 'none', all: [], of: {}, unified: undefined });
});

test('a mount with something mounted over it cannot be reached and does not count', () => {
  const covered = `${V1}\n50 31 0:50 / /sys/fs/cgroup/memory rw - tmpfs tmpfs rw`;
  expect(places(covered).memory).toBeUndefined();
  const buried = `${V1}\n51 23 0:51 / /sys/fs/cgroup rw - tmpfs tmpfs rw`;
  expect(parse(buried).mode).toBe('none');
});

test('of two mounts of one hierarchy the one that shows its root wins', () => {
  const twice = `${BASE}
60 23 0:32 /docker/abc /mnt/a\\040b rw - cgroup cgroup rw,memory
61 23 0:32 / /mnt/whole rw - cgroup cgroup rw,memory
62 60 0:33 /docker/abc /mnt/a\\040b/pids rw - cgroup cgroup rw,pids`;
  expect(places(twice)).toEqual({ memory: 'v1 /mnt/whole', pids: 'v1 /mnt/a b/pids' });
});

test('/proc/cgroups tells disabled from unknown', () => {
  expect(parse(V2).kernel).toEqual({
    cpuset: 'enabled',
    memory: 'enabled',
    net_cls: 'enabled',
    pids: 'disabled',
  });
});

test('/proc/pid/cgroup is read by controller, colons in the path included', () => {
  const paths = parseProcCgroup('9:name=systemd:/\n2:cpu,cpuacct:/a:b\n7:blkio:/c\n0::/d\n');
  expect([...paths]).toEqual([
    ['name=systemd', '/'],
    ['cpu', '/a:b'],
    ['cpuacct', '/a:b'],
    ['io', '/c'],
    ['', '/d'],
  ]);
});

test('this machine has the controllers that containers need, wherever they are', () => {
  const { mode, of } = detectCgroups();
  console.log(`cgroup mode of this machine: ${mode}`);
  expect(['v1', 'hybrid', 'v2']).toContain(mode);
  for (const name of ['memory', 'cpu', 'pids', 'devices', 'freezer'] as const)
    expect(of[name], name).toBeDefined();
});
