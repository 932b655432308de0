import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needPrograms } from '../src/linux/netlink/namespace.fixture.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche, PROGRAM } from './cli.ts';
import { orphanBlobs, storeFaults } from './store-faults.ts';
import { type Watch, watch } from './traces.ts';

/**
 * Whenever the command is killed, nothing is left behind once the next command has run: SIGKILL, which
 * nobody can catch, at 100 random moments of run, exec and build. In half of them its shim goes with it.
 */
const MARKER = 'killtest-marker';
const PORT = 20_000 + (process.pid % 10_000);
/** Other moments each time; a failure says which. */
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
let root = '';
let context = '';
let remove = () => {};
let seen: Watch;

beforeAll(async () => {
  console.log(`moments of KILL_SEED=${SEED}`);
  await needPrograms({ nft: 'nftables' });
  ({ root, remove } = await freshBaseRoot());
  context = mkdtempSync(join(tmpdir(), 'cloche-kill-'));
  await run('ps');
  seen = watch(root, { marker: MARKER, port: PORT });
}, BASE_TIMEOUT);

afterAll(() => {
  seen.close();
  rmSync(context, { recursive: true, force: true });
  remove();
});

const run = (...args: string[]) => cloche(root, args);

interface Moment {
  /** Which part of the command's time has passed, 0 to 1. */
  readonly part: number;
  readonly withShim: boolean;
}

/** One out of each of as many equal parts of the whole, in an order that means nothing. */
function moments(seed: number, count: number): Moment[] {
  let state = (SEED + seed) >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, (_, i) => ({
    part: (i + random()) / count,
    withShim: random() < 0.5,
  }));
}

/** How long the command takes, in milliseconds, when nobody kills it: the shortest of three. */
async function lengthOf(prepare: (round: number) => string[]): Promise<number> {
  const times: number[] = [];
  for (const round of [-1, -2, -3]) {
    const args = prepare(round);
    const before = performance.now();
    expect(await run(...args)).toMatchObject({ code: 0 });
    times.push(performance.now() - before);
  }
  return Math.min(...times);
}

/** Kills a command in each moment and looks at what is there after the next one, and before. */
async function killed(all: readonly Moment[], prepare: (round: number) => string[]) {
  const length = await lengthOf(prepare);
  const before = await standing();
  expect(storeFaults(root)).toEqual([]);
  const wrong: unknown[] = [];
  let ended = 0;
  for (const [round, { part, withShim }] of all.entries()) {
    const known = new Set(seen.processes().map(({ pid }) => pid));
    const child = Bun.spawn([PROGRAM, ...prepare(round)], {
      env: { ...process.env, CLOCHE_ROOT: root },
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    await Bun.sleep(part * length);
    child.kill('SIGKILL');
    await child.exited;
    if (child.signalCode === null) ended++;
    if (withShim) killShims(known);
    const left = { ...difference(before, await settled(before)), store: storeFaults(root) };
    if (Object.values(left).some((lines) => lines.length > 0)) wrong.push({ part, withShim, left });
  }
  console.log(`${all.length} moments of ${Math.round(length)} ms, ${ended} of them too late`);
  return wrong;
}

/** What stands there; of what has just ended the kernel takes away the link in its own time. */
async function standing(): Promise<string[]> {
  await run('ps');
  for (let last = ''; ; await Bun.sleep(200)) {
    const now = seen.traces();
    if (now.join() === last) return now;
    last = now.join();
  }
}

function killShims(known: ReadonlySet<number>) {
  for (const { pid, line } of seen.processes())
    if (!known.has(pid) && /^cloche-(shim|exec) /.test(line)) process.kill(pid, 'SIGKILL');
}

/**
 * What is there after the next command, or, if a container was left to live on, as docker's does too,
 * after the next one after its end. The kernel may need a moment to take away what has ended.
 */
async function settled(before: readonly string[]): Promise<string[]> {
  await run('ps', '--all', '--quiet');
  const isThere = (line: string) => before.includes(line);
  if (seen.isRunning(before)) {
    const others = () =>
      seen.processes().filter(({ pid }) => !before.some((b) => b.startsWith(`process ${pid} `)));
    for (let i = 0; i < 500 && others().length > 0; i++) await Bun.sleep(10);
    await run('ps', '--all', '--quiet');
  }
  let now = seen.traces();
  for (let i = 0; i < 100 && !(now.length === before.length && now.every(isThere)); i++) {
    await Bun.sleep(20);
    now = seen.traces();
  }
  return now;
}

function difference(before: readonly string[], after: readonly string[]) {
  return {
    more: after.filter((line) => !before.includes(line)),
    less: before.filter((line) => !after.includes(line)),
  };
}

test('run, killed at any moment, leaves nothing', async () => {
  const args = ['run', '--rm', '-p', `127.0.0.1:${PORT}:80`, 'debian:bookworm', 'sh', '-c'];
  expect(await killed(moments(1, 40), () => [...args, `: ${MARKER}; sleep 0.03`])).toEqual([]);
  expect(await run(...args, 'echo well')).toMatchObject({ code: 0, out: 'well\n' });
}, 120_000);

test('exec, killed at any moment, leaves the container alone and nothing else behind', async () => {
  const name = `killtest-${process.pid}`;
  const publish = `127.0.0.1:${PORT}:80`;
  await run('run', '-d', '-p', publish, '--name', name, 'debian:bookworm', 'sleep', '1000');
  const args = ['exec', name, 'sh', '-c'];
  expect(await killed(moments(2, 30), () => [...args, `: ${MARKER}; sleep 0.03`])).toEqual([]);
  expect(await run(...args, 'echo well')).toMatchObject({ code: 0, out: 'well\n' });
  expect((await run('rm', '-f', name)).code).toBe(0);
}, 120_000);

test('build, killed at any moment, leaves nothing half-made', async () => {
  const args = ['build', '-q', '-t', 'killtest', context];
  // Another content each time, so that nothing comes from the cache.
  const prepare = (round: number) => {
    const lines = [
      'FROM debian:bookworm',
      `RUN : ${MARKER} ${round} && echo ${round} > /made && sleep 0.05`,
      'COPY file /file',
    ];
    writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
    writeFileSync(join(context, 'file'), String(round));
    return args;
  };
  expect(await killed(moments(3, 30), prepare)).toEqual([]);
  expect((await run(...args)).code).toBe(0);
  const said = await run('run', '--rm', 'killtest', 'cat', '/file');
  expect(said).toMatchObject({ code: 0, out: '29' });
  // What was written and nothing refers to yet goes with the next sweep.
  await run('image', 'prune', '--force');
  expect(orphanBlobs(root)).toEqual([]);
}, 180_000);
