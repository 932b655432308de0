import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { judge, PROGRAMS, type Readings } from './findings.ts';
import { readMachine } from './readings.ts';

const HEALTHY: Readings = {
  uid: 0,
  kernel: '6.1.0-28-cloud-amd64',
  missingCapabilities: [],
  probes: { walker: 'ok', outcomes: new Map([['user namespace', 'ok']]) },
  masks: [],
  cgroupMode: 'v2',
  controllers: { memory: 2, cpu: 2, pids: 2 },
  seccomp: 'kill_process errno allow',
  stateRoot: { path: '/var/lib/cloche', writable: true, noexec: false },
  free: 50e9,
  programs: new Map(PROGRAMS.map(({ name }) => [name, true])),
  userNamespacesRestricted: false,
  legacyTables: '',
};

const NO_WALKER = { message: 'cannot start', hint: 'noexec?' };

function tried(name: string, outcome: string): Partial<Readings> {
  return { probes: { walker: 'ok', outcomes: new Map([[name, outcome]]) } };
}

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
  [tried('pid namespace', 'ENOSPC'), ['pid namespace: missing']],
  [tried('user namespace', 'ENOSPC'), ['user namespace: degraded']],
  [tried('overlay', 'ENODEV'), ['overlay: missing']],
  [tried('veth', 'EOPNOTSUPP'), ['veth: degraded']],
  [{ probes: { walker: NO_WALKER, outcomes: new Map() } }, ['walker: missing']],
  [{ masks: ['/proc/kcore'] }, ['outer container: degraded']],
  [{ cgroupMode: 'none', controllers: {} }, ['cgroups: missing', 'controllers: degraded']],
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

test('a controller is told with the version that has it', () => {
  const findings = judge({ ...HEALTHY, controllers: { memory: 1, cpu: 1, pids: 2 } });
  expect(findings.find(({ name }) => name === 'controllers')?.found).toBe(
    'v1: memory cpu; v2: pids',
  );
});

test('what can only be tried is tried, and nothing of it stays on this machine', async () => {
  const findings = judge(await readMachine());
  const stateOf = (wanted: string) => findings.find(({ name }) => name === wanted)?.state;
  expect(stateOf('root')).toBe('ok');
  expect(stateOf('mnt namespace')).toBe('ok');
  expect(stateOf('overlay')).toBe('ok');
  expect(stateOf('veth')).toBe('ok');
  expect(existsSync('/sys/class/net/probe')).toBe(false);
  expect(existsSync('/sys/class/net/probe0')).toBe(false);
});
