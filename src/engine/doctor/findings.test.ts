import { expect, test } from 'bun:test';
import { judge, PROGRAMS, type Readings } from './findings.ts';
import { readMachine } from './readings.ts';

const HEALTHY: Readings = {
  uid: 0,
  kernel: '6.1.0-28-cloud-amd64',
  missingCapabilities: [],
  namespaces: ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'],
  filesystems: ['overlay', 'tmpfs', 'proc', 'sysfs', 'devpts', 'mqueue'],
  cgroupMode: 'v2',
  controllers: ['memory', 'cpu', 'pids'],
  seccomp: 'kill_process errno allow',
  stateRoot: { path: '/var/lib/cloche', writable: true, noexec: false },
  free: 50e9,
  programs: new Map(PROGRAMS.map(({ name }) => [name, true])),
  userNamespacesRestricted: false,
  legacyTables: '',
};

function unwell(change: Partial<Readings>): string[] {
  return judge({ ...HEALTHY, ...change })
    .filter(({ state }) => state !== 'ok')
    .map(({ name, state }) => `${name}: ${state}`);
}

test('a healthy machine has nothing to complain of', () => {
  expect(unwell({})).toEqual([]);
});

test.each([
  [{ uid: 1000 }, ['root: missing']],
  [{ kernel: '5.4.0' }, ['kernel: missing']],
  [{ kernel: '5.12.1' }, []],
  [{ namespaces: ['mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup'] }, ['user namespace: missing']],
  [{ filesystems: ['tmpfs', 'proc', 'sysfs', 'devpts', 'mqueue'] }, ['overlay: missing']],
  [{ cgroupMode: 'none', controllers: [] }, ['cgroups: missing', 'controllers: degraded']],
  [{ cgroupMode: 'v1' }, ['controllers: degraded']],
  [{ seccomp: '' }, ['seccomp: missing']],
  [{ missingCapabilities: ['CAP_SYS_RESOURCE'] }, ['capabilities: degraded']],
  [{ stateRoot: { path: '/x', writable: true, noexec: true } }, ['state directory: missing']],
  [{ free: 1e9 }, ['disk: degraded']],
  [{ userNamespacesRestricted: true }, ['user namespaces: degraded']],
  [{ legacyTables: 'filter' }, ['firewall: degraded']],
] as const)('%j gives %j', (change, wanted) => {
  expect(unwell(change as Partial<Readings>)).toEqual([...wanted]);
});

test('whatever is not well says why, and a missing package says its name', () => {
  for (const finding of judge({ ...HEALTHY, programs: new Map() }))
    if (finding.state !== 'ok') {
      expect(finding.why).not.toBe('');
      expect(finding.remedy).toContain(finding.package ?? '-');
    }
});

test('this machine can be read', () => {
  const findings = judge(readMachine());
  expect(findings.find(({ name }) => name === 'root')?.state).toBe('ok');
  expect(findings.find(({ name }) => name === 'mnt namespace')?.state).toBe('ok');
});
