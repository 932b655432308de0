import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { listPids, readCmdline } from '../src/linux/proc/index.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/**
 * Whenever the command is killed, nothing is left behind once the next command has run: SIGKILL, which
 * nobody can catch, at random moments of run, exec and build.
 */
const cloche = resolve(import.meta.dir, '../bin/cloche');
const hierarchies = detectCgroups();
let root = '';
let context = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  context = mkdtempSync(join(tmpdir(), 'cloche-kill-'));
}, BASE_TIMEOUT);

afterAll(() => {
  rmSync(context, { recursive: true, force: true });
  remove();
});

function start(...args: string[]) {
  return Bun.spawn([cloche, ...args], {
    env: { ...process.env, CLOCHE_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = start(...args);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** A generator of its own, so that the moments are the same in every run. */
function moments(seed: number, count: number, longest: number): number[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * longest;
  });
}

function groups(): string[] {
  const known = new Set(
    existsSync(join(root, 'containers')) ? readdirSync(join(root, 'containers')) : [],
  );
  return hierarchies.all.flatMap(({ mountPoint }) =>
    readdirSync(`${mountPoint}/cloche`).filter((name) => known.has(name)),
  );
}

/** What could be left of commands on this root: processes, mounts, directories, cgroups. */
function traces(): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(root));
  const processes = listPids()
    .map((pid) => (readCmdline(pid) ?? []).join(' '))
    .filter((line) => line.includes('killtest-marker'));
  const directories = ['containers', 'tmp']
    .map((name) => join(root, name))
    .flatMap((path) => (existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : []));
  const active = readdirSync(join(root, 'snapshots')).filter((name) => name.startsWith('active-'));
  return [...mounts, ...processes, ...directories, ...active, ...groups()];
}

async function killed(after: number, ...args: string[]): Promise<void> {
  const child = start(...args);
  await Bun.sleep(after);
  child.kill('SIGKILL');
  await child.exited;
}

/** The kernel may need a moment to end what was killed. */
async function settled(): Promise<string[]> {
  for (let i = 0; i < 100 && traces().length > 0; i++) {
    await run('ps', '--all', '--quiet');
    if (traces().length > 0) await Bun.sleep(20);
  }
  return traces();
}

test('run, killed at any moment, leaves nothing', async () => {
  const wrong: unknown[] = [];
  for (const after of moments(1, 40, 160)) {
    await killed(
      after,
      'run',
      '--rm',
      'debian:bookworm',
      'sh',
      '-c',
      ': killtest-marker; sleep 0.05',
    );
    const left = await settled();
    if (left.length > 0) wrong.push({ after, left });
  }
  expect(wrong).toEqual([]);
  expect(await run('run', '--rm', 'debian:bookworm', 'echo', 'well')).toMatchObject({
    code: 0,
    out: 'well\n',
  });
}, 120_000);

test('exec, killed at any moment, leaves the container alone and nothing else behind', async () => {
  const name = `killtest-${process.pid}`;
  await run('run', '-d', '--name', name, 'debian:bookworm', 'sleep', '1000');
  for (const after of moments(2, 30, 120))
    await killed(after, 'exec', name, 'sh', '-c', ': killtest-marker; sleep 5');
  await Bun.sleep(200);
  const inside = listPids().filter((pid) =>
    (readCmdline(pid) ?? []).join(' ').includes('killtest-marker'),
  );
  expect(inside).toEqual([]);
  expect(await run('exec', name, 'echo', 'well')).toMatchObject({ code: 0, out: 'well\n' });
  expect((await run('rm', '-f', name)).code).toBe(0);
  expect(await settled()).toEqual([]);
}, 120_000);

test('build, killed at any moment, leaves nothing half-made', async () => {
  mkdirSync(context, { recursive: true });
  const wrong: unknown[] = [];
  for (const [i, after] of moments(3, 30, 400).entries()) {
    // Another content each time, so that nothing comes from the cache.
    const lines = [
      'FROM debian:bookworm',
      `RUN : killtest-marker ${i} && echo ${i} > /made && sleep 0.1`,
      'COPY file /file',
    ];
    writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
    writeFileSync(join(context, 'file'), String(i));
    await killed(after, 'build', '-q', '--network', 'none', '-t', 'killtest', context);
    const left = await settled();
    if (left.length > 0) wrong.push({ after, left });
  }
  expect(wrong).toEqual([]);
  expect((await run('build', '-q', '--network', 'none', '-t', 'killtest', context)).code).toBe(0);
  expect(await run('run', '--rm', 'killtest', 'cat', '/file')).toMatchObject({
    code: 0,
    out: '29',
  });
}, 180_000);
