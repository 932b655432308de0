import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import { HOST_ARCH } from '../src/linux/abi/arch.ts';
import { detectCgroups, entranceOf, openCgroup, prepareParent } from '../src/linux/cgroup/index.ts';
import { type Launched, words } from '../src/linux/launch.ts';
import { launch } from '../src/linux/launch-plan.ts';
import { abandonedSteps, conversation, requestSteps } from '../src/linux/netlink/index.ts';
import { needPrograms } from '../src/linux/netlink/namespace.fixture.ts';
import { natChanges } from '../src/linux/netlink/nat.ts';
import { batch, noTable } from '../src/linux/netlink/nftables.ts';
import { perform } from '../src/linux/perform.ts';
import { breakStep } from '../src/linux/plan/break.ts';
import { type Plan, plan } from '../src/linux/plan/index.ts';
import { readCmdline, readNamespaces, readStat } from '../src/linux/proc/index.ts';
import { defaultPolicy, seccompSteps } from '../src/linux/seccomp/index.ts';
import { installedWalker } from '../src/linux/walker/index.ts';
import { type ContainerPlan, execPlan } from '../src/runtime/index.ts';
import { ALL_NAMESPACES, dockerSpec, SOME_MACHINE, scratchRoot } from '../src/runtime/testing.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { type FullContainer, fullContainer } from './full-container.ts';

/**
 * Nothing is left behind, whatever fails: the plans of full containers and of an exec in one, in which
 * every system call in turn is not performed but fails with EIO.
 */
const scratch = scratchRoot('faults');
const hierarchies = prepareParent(detectCgroups(), '/cloche');
const id = `faults-${process.pid}`;
const group = `/cloche/${id}`;
const hostEnd = `clf${process.pid}`;

/** Ports that nobody has, in a table of our own. */
const ports = [4, 6].map((version) => ({
  protocol: version === 4 ? ('tcp' as const) : ('udp' as const),
  hostIp: version === 4 ? '127.0.0.1' : '::1',
  hostPort: 20_000 + (process.pid % 10_000),
  ip: version === 4 ? '10.99.0.2' : 'fd99::2',
  port: 80,
}));
const bridges = ['10.99.0.1', 'fd99::1'].map((address) => ({ name: hostEnd, address, prefix: 24 }));

/** In a user namespace no overlay can be mounted over the machine's own root. */
let rootfs = '';
let removeBase = () => {};

beforeAll(async () => {
  await needPrograms({ nft: 'nftables' });
  const base = await freshBaseRoot();
  removeBase = base.remove;
  const store = openStore(base.root);
  rootfs = stackOf(store, findImage(store, 'debian:bookworm')?.chainId)[0]?.directory ?? '';
  Bun.listen({ unix: about.agent, socket: { data: () => undefined } });
  for (const [i, bridge] of bridges.entries()) await send(natChanges(bridge), i === 0 ? 4 : 6);
}, BASE_TIMEOUT);

afterAll(async () => {
  await send(noTable(hostEnd), 4);
  await send(noTable(hostEnd), 6);
  scratch.remove();
  removeBase();
});

async function send(changes: Parameters<typeof batch>[0], version: 4 | 6): Promise<void> {
  const request = { name: 'table', message: batch(changes, version), why: 'for the ports' };
  await perform(
    plan(
      't',
      conversation('NETLINK_NETFILTER', (to) => requestSteps(to, request)),
    ),
  );
}

/** What stands in the maps. */
function published(): string[] {
  const ask = ['ip', 'ip6'].map((family) => `list map ${family} ${hostEnd} published`).join('; ');
  return (
    Bun.spawnSync(['nft', ask])
      .stdout.toString()
      .match(/elements = .*/g) ?? []
  );
}

const about: FullContainer = {
  ...{ id, hierarchies, group, hostEnd, ports },
  root: scratch.root,
  rootfs: () => rootfs,
  files: join(scratch.directory, 'files'),
  bridge: hostEnd,
  agent: join(scratch.directory, 'agent'),
};

/**
 * What stands there of ours: mounts, our cable, our cgroups with who is in them, the processes with their
 * namespaces, our ports, and files, but for the log and the record, whole or not, which go with the container.
 */
function traces(pids: readonly number[]): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(scratch.directory));
  const links = readdirSync('/sys/class/net').filter((name) => name === hostEnd);
  const groups = hierarchies.all
    .map(({ mountPoint }) => `${mountPoint}${group}`)
    .filter((path) => existsSync(path))
    .map((path) => `${path} ${readFileSync(`${path}/cgroup.procs`, 'utf8').trim()}`.trim());
  const processes = pids.filter((pid) => pid > 0 && readStat(pid) !== undefined);
  const spaces = processes.map((pid) => JSON.stringify([pid, readNamespaces(pid)]));
  const files = readdirSync(scratch.directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^files\/(log|exit|exit\.new)$/.test(name),
  );
  return [...mounts, ...links, ...groups, ...spaces, ...published(), ...files.sort()];
}

interface Attempt {
  readonly code: number;
  readonly failure: ReturnType<Launched['memory']['failure']>;
  /** What is there that was not there before, and the other way round. */
  readonly left: string[];
  readonly missing: string[];
}

async function attempt({ pair }: Pick<ContainerPlan, 'pair'>, plan: Plan): Promise<Attempt> {
  const before = traces([]);
  const launched = launch(plan, { stdio: ['ignore', 'ignore', 'ignore'], control: true });
  const timer = setTimeout(() => process.kill(launched.pid, 'SIGKILL'), 20_000);
  const answering = answer(launched);
  const code = await launched.exited;
  clearTimeout(timer);
  await answering;
  const failure = launched.memory.failure();
  const pids = [launched.pid, Number(launched.memory.value(pair.pid))];
  launched.close();
  // The kernel takes a dead namespace's interfaces away in its own time, a few milliseconds later.
  const isNew = (one: string) => one === hostEnd && !before.includes(one);
  for (let i = 0; i < 300 && traces(pids).some(isNew); i++) await Bun.sleep(10);
  const after = traces(pids);
  return {
    ...{ code, failure },
    left: after.filter((one) => !before.includes(one)),
    missing: before.filter((one) => !after.includes(one)),
  };
}

/** The engine's part: it has run its hooks, and said who asks, whether it was asked or not. */
async function answer({ control }: Launched): Promise<void> {
  try {
    writeSync(control, 'gg');
  } catch {} // EPIPE: it has ended already.
  for await (const _ of words(control));
}

/** What the step says at which init sees that a hook has failed. */
const ECANCELED = 125;

/** Breaks every call of the plan in turn. @returns what was wrong, and how many were broken */
async function breakAll(birth: Pick<ContainerPlan, 'plan' | 'pair'>) {
  const { steps } = birth.plan;
  const cleanUp = steps.findIndex(({ label }) => label === 'clean-up');
  const end = steps.findIndex(({ label }) => label === 'leave');
  const wrong: unknown[] = [];
  let broken = 0;
  for (const [i, { call, why }] of steps.entries()) {
    if (call === 'value' || call === 'exit_group') continue;
    broken++;
    const result = await attempt(birth, breakStep(birth.plan, i, 'EIO'));
    const { code, failure, left } = result;
    // What fails here cannot be made good here; the engine sees it, says it, and does it later.
    const excused = i >= cleanUp && i < end && left.length > 0 && failure?.step === i;
    const cleared = excused && (await clearAway(left));
    const isAnother = failure?.step !== i && failure?.errno !== ECANCELED;
    const isSilent = failure === undefined ? code !== 0 : isAnother;
    if (!cleared && (left.length + result.missing.length > 0 || code === 137 || isSilent))
      wrong.push({ i, call, why, result });
  }
  return { wrong, broken };
}

async function clearAway(left: readonly string[]): Promise<boolean> {
  if (left.every((one) => one.endsWith(group))) await openCgroup(hierarchies, group).remove();
  else if (left.every((one) => one.startsWith('elements')))
    await perform(plan('abandoned', abandonedSteps(hostEnd, ports)));
  return traces([]).every((one) => !left.includes(one));
}

for (const shape of ['with a terminal', 'with users and hooks'] as const) {
  test(`a full container ${shape} lives and leaves nothing`, async () => {
    const birth = fullContainer(about, shape);
    // What it makes in its root for good, it makes the first time.
    await attempt(birth, birth.plan);
    const result = await attempt(birth, birth.plan);
    expect(result).toEqual({ code: 0, failure: undefined, left: [], missing: [] });
  });

  test(`whichever call of a container ${shape} fails, nothing is left behind`, async () => {
    const { wrong, broken } = await breakAll(fullContainer(about, shape));
    expect(wrong).toEqual([]);
    expect(broken).toBeGreaterThan(300);
  }, 180_000);
}

test('whichever call of an exec fails, the container lives on and nothing else is left behind', async () => {
  const container = fullContainer(about, 'with a terminal', ['sleep', '1000']);
  const launched = launch(container.plan, { stdio: ['ignore', 'ignore', 'ignore'], control: true });
  const ended = answer(launched);
  const init = () => Number(launched.memory.value(container.pair.pid));
  while (readCmdline(init())?.[0] !== 'sleep') await Bun.sleep(5);
  const pid = init();
  const { process } = dockerSpec({ terminal: true, args: ['true'], cwd: '/usr' });
  const exec = execPlan({
    ...{ id, pid, process: process ?? { user: { uid: 0, gid: 0 }, cwd: '/' } },
    namespaces: [...ALL_NAMESPACES, 'time'],
    ...{ machine: SOME_MACHINE, walkerSize: installedWalker().size, io: { kind: 'terminal' } },
    cgroup: entranceOf(openCgroup(hierarchies, group)),
    seccomp: seccompSteps(defaultPolicy([]), HOST_ARCH).steps,
  });
  expect(await attempt(exec, exec.plan)).toMatchObject({ code: 0, left: [], missing: [] });
  const { wrong, broken } = await breakAll(exec);
  expect(wrong).toEqual([]);
  expect(broken).toBeGreaterThan(60);
  expect(readStat(pid)).toBeDefined();
  globalThis.process.kill(pid, 'SIGKILL');
  await Promise.all([launched.exited, ended]);
  launched.close();
}, 60_000);
