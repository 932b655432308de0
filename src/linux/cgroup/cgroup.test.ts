import { expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { cloning } from '../clone.ts';
import { launch } from '../launch-plan.ts';
import { perform } from '../perform.ts';
import { breakStep } from '../plan/break.ts';
import { buffer, call, flags, jump, label, plan, result, within } from '../plan/index.ts';
import { cgroupOf, openCgroup } from './cgroup.ts';
import { detectCgroups } from './detect.ts';
import { readKnob } from './files.ts';
import { cgroupSteps } from './steps.ts';
import { performSteps, runIn, testCgroup, until } from './testing.ts';

const hierarchies = detectCgroups();
const MIB = 1024 * 1024;
console.log(`cgroup tests on ${hierarchies.mode}`);

function knob(of: Awaited<ReturnType<typeof testCgroup>>, v1: string, v2: string) {
  const name = v1.split('.')[0] as 'memory' | 'cpu' | 'pids';
  const tree = hierarchies.of[name];
  return readKnob(`${of.cgroup.directory(name)}/${tree?.version === 1 ? v1 : v2}`);
}

test('limits are in the kernel’s files', async () => {
  await using made = await testCgroup(hierarchies, {
    memory: { limit: 80 * MIB, reservation: 40 * MIB },
    cpu: { shares: 512, quota: 5000, period: 50_000 },
    pids: { limit: 3 },
  });
  expect(knob(made, 'memory.limit_in_bytes', 'memory.max')).toBe(String(80 * MIB));
  expect(knob(made, 'memory.soft_limit_in_bytes', 'memory.low')).toBe(String(40 * MIB));
  expect(knob(made, 'cpu.shares', 'cpu.weight')).toBe(
    hierarchies.of.cpu?.version === 1 ? '512' : '59',
  );
  expect(made.cgroup.stats()).toMatchObject({
    memory: { limit: 80 * MIB, oomKills: 0 },
    cpu: { quota: 5000, period: 50_000 },
    pids: { limit: 3, current: 0, refused: 0 },
  });
});

test('a child is in every hierarchy, by its birth or by the join steps', async () => {
  await using made = await testCgroup(hierarchies, {});
  const { bornIn, join } = made.steps;
  const [pid, pidfd] = [result('pid'), buffer('pidfd', 8)];
  const { parent, child } = cloning({ flags: [], pid, pidfd, bornIn }, 'child', 'a child');
  // It joins, and stands still at its last step to be looked at.
  const look = call('getpid', [], 'here it can be seen');
  const wait = call('wait4', [pid, 0, flags('__WALL'), 0], 'its end');
  const quiet = { pause: false };
  const joined = plan('join', [
    ...within(quiet, [...parent, wait, jump('end', 'not the child')]),
    ...within(quiet, [label('child', 'born'), ...child, ...join]),
    look,
    { ...label('end', 'over'), pause: false },
  ]);
  const launched = launch(joined, { pause: true });
  const childPid = () => Number(launched.memory.value(pid));
  await until('it is in', () => made.cgroup.processes().includes(childPid()));
  const { directories } = cgroupOf(made.hierarchies, childPid());
  expect([...directories.values()]).toEqual([...made.cgroup.directories.values()]);
  expect(directories.size).toBe(made.hierarchies.all.length);
  launched.close();
  await launched.exited;
});

test('a process beyond the memory limit is killed and counted', async () => {
  await using made = await testCgroup(hierarchies, { memory: { limit: 20 * MIB, swap: 20 * MIB } });
  // No pipe: its pages count too, and whoever writes into it as long as the memory of the killed is
  // not free has the kernel kill another.
  const { ended } = runIn(
    made,
    'dd if=/dev/zero of=/dev/null bs=200MB count=1; echo ended with $?',
  );
  expect((await ended).output).toContain('ended with 137');
  const { memory } = made.cgroup.stats();
  expect(memory?.oomKills).toBe(1);
  if (memory?.peak !== undefined) expect(memory.peak).toBeGreaterThan(15 * MIB);
});

test('a busy loop is throttled and the time is counted', async () => {
  await using made = await testCgroup(hierarchies, { cpu: { quota: 2000, period: 20_000 } });
  const { child, ended } = runIn(made, 'while :; do :; done');
  await until('it was throttled', () => (made.cgroup.stats().cpu?.throttledPeriods ?? 0) > 5);
  child.kill('SIGKILL');
  await ended;
  const { cpu } = made.cgroup.stats();
  expect(cpu?.throttledTime).toBeGreaterThan(5000);
  expect(cpu?.usage).toBeGreaterThan(5000);
  expect(cpu?.usage).toBeLessThan((cpu?.periods ?? 0) * 20_000 * 0.8);
});

test('a fork beyond pids.max is refused and counted', async () => {
  await using made = await testCgroup(hierarchies, { pids: { limit: 2 } });
  const { ended } = runIn(made, 'sleep 9 > /dev/null 2>&1 & sleep 9 > /dev/null 2>&1 & sleep 9');
  const { output } = await ended;
  expect(output).toMatch(/fork: .*(Resource temporarily unavailable)|Cannot fork/i);
  expect(made.cgroup.stats().pids?.refused).toBeGreaterThan(0);
});

test('a denied device is refused and an allowed one is not', async () => {
  const devices = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }] as const;
  await using made = await testCgroup(hierarchies, { devices });
  const { ended } = runIn(made, 'echo x > /dev/null && echo null is fine; head -c 1 /dev/zero');
  const { output } = await ended;
  expect(output).toContain('null is fine');
  expect(output).toContain("'/dev/zero' for reading: Operation not permitted");
});

test('a frozen process stands still until it is thawed', async () => {
  await using made = await testCgroup(hierarchies, {});
  const run = runIn(made, 'while :; do echo tick; done');
  await until('it ticks', () => run.output().length > 100);
  await made.cgroup.freeze();
  expect(made.cgroup.isFrozen()).toBe(true);
  await Bun.sleep(50);
  const ticks = run.output().length;
  await Bun.sleep(200);
  expect(run.output().length).toBe(ticks);
  made.cgroup.thaw();
  await until('it ticks again', () => run.output().length > ticks);
  await made.cgroup.kill();
  expect((await run.ended).signal).toBe('SIGKILL');
});

test('who forks without end stands still as well, each time', async () => {
  await using made = await testCgroup(hierarchies, {});
  const run = runIn(made, 'f() { while :; do date; sleep 0.002; done; }; f & f & f & f & wait');
  await until('it ticks', () => run.output().length > 100);
  for (let i = 0; i < 60; i++) {
    await made.cgroup.freeze();
    expect(made.cgroup.isHeld()).toBe(true);
    made.cgroup.thaw();
    expect(made.cgroup.isHeld()).toBe(false);
    await Bun.sleep(2 + (i % 5));
  }
  await made.cgroup.kill();
  expect((await run.ended).signal).toBe('SIGKILL');
}, 60_000);

test('kill reaches processes below, frozen ones and those in one hierarchy only', async () => {
  await using made = await testCgroup(hierarchies, {});
  const run = runIn(made, 'sleep 100 & sleep 100 & wait');
  await until('there are three', () => made.cgroup.processes().length === 3);
  await made.cgroup.freeze();
  await made.cgroup.kill();
  expect(made.cgroup.processes()).toEqual([]);
  await run.ended;
});

test('kill refuses a cgroup that we are in ourselves', async () => {
  const own = cgroupOf(hierarchies, 'self');
  expect(own.processes()).toContain(process.pid);
  await expect(own.kill()).rejects.toMatchObject({ code: 'CGROUP_HOLDS_US' });
});

test('update raises and lowers memory with swap, in whichever order the kernel wants', async () => {
  await using made = await testCgroup(hierarchies, { memory: { limit: 20 * MIB, swap: 20 * MIB } });
  for (const limit of [60 * MIB, 10 * MIB, 30 * MIB]) {
    made.cgroup.update({ memory: { limit, swap: limit }, pids: { limit: 7 } });
    expect(made.cgroup.stats().memory?.limit).toBe(limit);
    expect(made.cgroup.stats().pids?.limit).toBe(7);
  }
});

test('the remove steps leave nothing, kill what they can, and may run twice', async () => {
  await using made = await testCgroup(hierarchies, { pids: { limit: 9 } });
  const directories = [...made.cgroup.directories.values()];
  const run = runIn(made, 'exec sleep 100');
  await until('it is in', () => made.cgroup.processes().length === 1);
  if (hierarchies.unified === undefined) run.child.kill('SIGKILL');
  await performSteps('remove', made.steps.remove);
  expect(directories.filter((at) => existsSync(at))).toEqual([]);
  await performSteps('remove', made.steps.remove);
  await run.ended;
});

test('whichever step of create fails, the remove steps leave nothing', async () => {
  await using made = await testCgroup(hierarchies, {});
  const path = `${made.parent}/two`;
  const devices = [{ allow: false }];
  const { create, remove } = cgroupSteps(made.hierarchies, path, {
    memory: { limit: 20 * MIB, swap: 20 * MIB },
    pids: { limit: 9 },
    devices,
  });
  for (const index of create.keys()) {
    const broken = breakStep(plan('create', create), index, 'EIO');
    await expect(perform(broken)).rejects.toMatchObject({ code: 'STEP_FAILED' });
    await performSteps('remove', remove);
    expect(() => openCgroup(made.hierarchies, path)).toThrow('there is no cgroup');
  }
});

test('remove waits for nobody but says who is in the way', async () => {
  await using made = await testCgroup(hierarchies, {});
  const run = runIn(made, 'exec sleep 100');
  await until('it is in', () => made.cgroup.processes().length === 1);
  const error = await made.cgroup.remove().catch((e: unknown) => e);
  expect(error).toMatchObject({
    code: 'CGROUP_BUSY',
    hint: `Its processes: ${run.child.pid}.`,
  });
});

test('a new cpuset has CPUs and memory nodes before anybody joins', async () => {
  await using made = await testCgroup(hierarchies, {});
  const at = made.cgroup.directory('cpuset');
  const effective = hierarchies.of.cpuset?.version === 1 ? 'cpuset.cpus' : 'cpuset.cpus.effective';
  expect(readKnob(`${at}/${effective}`)).toBe(
    readFileSync('/sys/devices/system/cpu/online', 'utf8').trim(),
  );
});

test('a cgroup that is not there, and a process that is not there', () => {
  expect(() => openCgroup(hierarchies, '/cloche-nowhere')).toThrow(
    "there is no cgroup '/cloche-nowhere'",
  );
  expect(() => cgroupOf(hierarchies, 2 ** 30)).toThrow('there is no process');
});
