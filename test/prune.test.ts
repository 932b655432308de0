import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { listPids, readCmdline } from '../src/linux/proc/index.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn } from './cli.ts';

/** What is not in use goes when it is asked to; what is in use never does. */
const image = 'debian:bookworm';
let root = '';
let scratch = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  scratch = mkdtempSync(join(tmpdir(), 'cloche-prune-'));
}, BASE_TIMEOUT);
afterEach(async () => {
  const left = lines((await cloche(['ps', '-aq'])).out);
  if (left.length > 0) await cloche(['rm', '-f', ...left]);
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  remove();
});

const cloche = (args: readonly string[], input?: string) => clocheIn(root, args, input);
const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const run = (...args: string[]) => cloche(['run', '--network', 'none', ...args]);

/** An image of one COPY on the base; what it was before loses its name. */
async function build(content: string, name = 'app') {
  writeFileSync(join(scratch, 'Dockerfile'), `FROM ${image}\nCOPY file /file\n`);
  writeFileSync(join(scratch, 'file'), content);
  const { code, err } = await cloche(['build', '-q', '-t', name, scratch]);
  if (code !== 0) throw new Error(err);
}

const ids = async () => lines((await cloche(['images', '-q', '--no-trunc'])).out);

test('image prune takes what has lost its name, and with --all what nobody uses', async () => {
  await build('one');
  const [nameless] = await ids();
  await build('two');
  await cloche(['builder', 'prune', '-af']);
  const pruned = await cloche(['image', 'prune', '-f']);
  expect(pruned.out).toStartWith(`Deleted Images:\ndeleted: ${nameless}\n`);
  expect(pruned.out).toEndWith(
    '\n\nTotal reclaimed space: 1.29kB\n'.replace('1.29kB', spaceOf(pruned.out)),
  );
  expect(spaceOf(pruned.out)).toMatch(/^[1-9]/);
  await run('--name', 'box', 'app', 'true');
  const all = await cloche(['image', 'prune', '--all', '--force', '--filter', 'until=0s']);
  // The base has a name but no container; the layer that app shares with it stays.
  expect(all.out).toContain(`untagged: ${image}\n`);
  expect(await ids()).toHaveLength(1);
  expect((await run('--rm', 'app', 'cat', '/file')).out).toBe('two');
  await cloche(['tag', 'app', image]);
});

test('system df -v shows each thing by itself, and what of an image it has alone', async () => {
  await build('alone');
  await run(
    '--name',
    'box',
    '-v',
    'data:/data',
    'app',
    'sh',
    '-c',
    'echo 12345 > /data/f; echo 1 > /g',
  );
  const { out } = await cloche(['system', 'df', '-v']);
  const rows = lines(out).map((line) => line.split(/ {2,}/));
  expect(rows.find(([name]) => name === 'app')?.slice(5)).toEqual(['117MB', '5B', '1']);
  expect(rows.find(([name]) => name === 'data')).toEqual(['data', '1', '6B']);
  const container = rows.find((row) => row.at(-1) === 'box') ?? [];
  expect(container.slice(1, 5)).toEqual(['app', '"sh -c echo 12345 > …"', '1', '2B']);
  expect(out).toMatch(/\nBuild cache usage: [1-9][\d.]*\w?B\n\nCACHE ID +CACHE TYPE /);
  const shape = JSON.parse((await cloche(['system', 'df', '-v', '--json'])).out);
  expect(shape.Volumes).toEqual([{ Name: 'data', Links: 1, Size: 6 }]);
  await cloche(['rm', 'box']);
});

test('volume prune --filter: all is as --all, and no volume has a label', async () => {
  await cloche(['volume', 'create', 'data']);
  const prune = (...filters: string[]) => cloche(['volume', 'prune', '-f', ...filters]);
  const left = async () => lines((await cloche(['volume', 'ls', '-q'])).out);
  await prune();
  await prune('--filter', 'all=true', '--filter', 'label=keep');
  expect(await left()).toEqual(['data']);
  await prune('--filter', 'all=1', '--filter', 'label!=keep');
  expect(await left()).toEqual([]);
  expect((await prune('--filter', 'until=1h')).err).toContain("invalid filter 'until'");
});

const spaceOf = (out: string) => /Total reclaimed space: (\S+)\n$/.exec(out)?.[1] ?? '';

test('prune asks, and anything but y means no', async () => {
  await run('--name', 'box', image, 'true');
  for (const answer of ['\n', 'no\n', 'yes\n', '']) {
    const asked = await cloche(['container', 'prune'], answer);
    expect(asked.code).toBe(1);
    expect(asked.out).toBe(
      'WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ',
    );
    expect(asked.err).toContain('container prune has been cancelled');
  }
  expect((await cloche(['image', 'prune'])).err).toContain('image prune has been cancelled');
  expect((await cloche(['ps', '-a'])).out).toContain('box');
  expect((await cloche(['container', 'prune'], 'y\n')).code).toBe(0);
  expect((await cloche(['ps', '-aq'])).out).toBe('');
});

test('container prune leaves what runs, and says what went and how much it was', async () => {
  const running = (await run('-d', '--name', 'alive', image, 'sleep', '100')).out.trim();
  await run('--name', 'dead', image, 'sh', '-c', 'head -c 5000 /dev/zero > /f');
  const [dead] = lines((await cloche(['ps', '-aq', '--no-trunc'])).out).filter(
    (id) => id !== running,
  );
  const young = await cloche(['container', 'prune', '-f', '--filter', 'until=1h']);
  expect(young.out).toBe('Total reclaimed space: 0B\n');
  expect((await cloche(['container', 'prune', '-f'])).out).toBe(
    `Deleted Containers:\n${dead}\n\nTotal reclaimed space: 5kB\n`,
  );
  expect(lines((await cloche(['ps', '-q', '--no-trunc'])).out)).toEqual([running]);
});

test('builder prune forgets what no image stands on, with --all the rest; the images stay', async () => {
  await build('three');
  await build('four');
  await cloche(['rmi', (await ids())[1] ?? '']);
  const dangling = JSON.parse((await cloche(['builder', 'prune', '-f', '--json'])).out);
  expect(dangling.removed.every((row: { shared: boolean }) => !row.shared)).toBe(true);
  expect(dangling.freed).toBeGreaterThan(0);
  const all = await cloche(['builder', 'prune', '-af']);
  expect(all.out).toMatch(/^ID +RECLAIMABLE +SIZE +LAST ACCESSED\n[0-9a-f]+ +false/);
  expect((await run('--rm', 'app', 'cat', '/file')).out).toBe('four');
});

test('builder prune takes the directories of cache mounts, too', async () => {
  writeFileSync(
    join(scratch, 'Dockerfile'),
    `FROM ${image}\nRUN --mount=type=cache,target=/c head -c 9000 /dev/zero > /c/f\n`,
  );
  const { code, err } = await cloche(['build', '-q', '--network', 'none', '-t', 'app', scratch]);
  expect([code, err]).toEqual([0, '']);
  const use = async () => JSON.parse((await cloche(['system', 'df', '--json'])).out)[3];
  expect(await use()).toMatchObject({ total: 2, size: 9000 });
  expect((await cloche(['builder', 'prune', '-f', '--filter', 'until=1h'])).out).toBe(
    'Total:\t0B\n',
  );
  expect((await cloche(['builder', 'prune', '-f'])).out).toEndWith('Total:\t9kB\n');
  expect(await use()).toMatchObject({ total: 1, size: 0 });
  await cloche(['builder', 'prune', '-af']);
});

test('system df counts a shared layer once', async () => {
  await build('five');
  await cloche(['image', 'prune', '-f']);
  await run('--name', 'box', 'app', 'sh', '-c', 'head -c 7000 /dev/zero > /f');
  const uses = JSON.parse((await cloche(['system', 'df', '--json'])).out);
  const [images, containers, volumes, cache] = uses;
  const rows = JSON.parse((await cloche(['images', '--json'])).out) as { size: number }[];
  expect(images.size).toBe(Math.max(...rows.map((row) => row.size)));
  expect(containers).toMatchObject({ total: 1, active: 0, size: 7000, reclaimable: 7000 });
  expect([volumes.total, cache.size]).toEqual([0, 0]);
  const { out } = await cloche(['system', 'df']);
  expect(out).toMatch(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +/);
  expect(out).toContain('Containers      1       0        7kB     7kB (100%)\n');
});

test('system prune takes everything that is idle, volumes only without a name', async () => {
  const anonymous = 'a'.repeat(64);
  for (const name of [anonymous, 'data'])
    mkdirSync(join(root, 'volumes', name), { recursive: true });
  await run('--name', 'box', image, 'true');
  await build('six', 'idle');
  const asked = await cloche(['system', 'prune', '-a', '--volumes'], 'n\n');
  expect(asked.out).toContain('  - all anonymous volumes not used by at least one container\n');
  expect(asked.code).toBe(1);
  const pruned = await cloche(['system', 'prune', '-a', '--volumes', '-f']);
  expect(pruned.out).toContain('Deleted Containers:\n');
  expect(pruned.out).toContain(`Deleted Volumes:\n${anonymous}\n`);
  expect(pruned.out).toContain('untagged: idle:latest\n');
  expect(existsSync(join(root, 'volumes', 'data'))).toBe(true);
  expect(await ids()).toEqual([]);
  const blobs = JSON.parse((await cloche(['system', 'df', '--json'])).out);
  expect(blobs.map((use: { size: number }) => use.size)).toEqual([0, 0, 0, 0]);
});

test('system prune takes a cgroup away whose shim was killed, whatever root it was of', async () => {
  const other = await freshBaseRoot();
  const inOther = (...args: string[]) => clocheIn(other.root, args);
  const { out } = await inOther('run', '-d', '--network', 'none', image, 'sleep', '100');
  const group = `${detectCgroups().of.freezer?.mountPoint}/cloche/${out.trim()}`;
  const busy = await cloche(['system', 'prune', '-f']);
  expect([busy.code, existsSync(group)]).toEqual([0, true]);
  const shim = listPids().find(
    (pid) => readCmdline(pid)?.[0] === `cloche-shim ${out.slice(0, 12)}`,
  );
  if (shim === undefined) throw new Error('the container has no shim');
  process.kill(shim, 'SIGKILL');
  other.remove();
  // Init dies with its shim, in its own time.
  while (readFileSync(`${group}/cgroup.procs`, 'utf8') !== '') await Bun.sleep(10);
  expect(await cloche(['system', 'prune', '-f'])).toMatchObject({ code: 0, err: '' });
  expect(existsSync(group)).toBe(false);
});

test('system prune takes the bridge away when nothing is plugged into it', async () => {
  // In a network namespace of its own, which /sys has to show: others may use the machine's bridge.
  const own = await freshBaseRoot();
  const sys = mkdtempSync(join(tmpdir(), 'cloche-sys-'));
  const program = resolve(import.meta.dir, '../bin/cloche');
  const script = `set -e
    mount -t sysfs none ${sys}
    for part in class/net devices/virtual/net; do mount --bind ${sys}/$part /sys/$part; done
    export CLOCHE_ROOT=${own.root}
    unplugged() { while [ -n "$(ls /sys/class/net/cloche0/brif)" ]; do sleep 0.1; done; }
    ${program} run --rm ${image} true
    # The kernel takes a dead namespace's cable away in its own time.
    unplugged
    ls /sys/class/net
    ${program} run -d --name box ${image} sleep 100 >/dev/null
    ${program} system prune -f
    ls /sys/class/net
    ${program} kill box >/dev/null
    unplugged
    # Whoever runs containers on this machine just now, with another root, holds it up; nobody else does.
    for i in $(seq 100); do
      ${program} system prune -f
      [ -e /sys/class/net/cloche0 ] || break
      sleep 0.2
    done
    echo left:
    ls /sys/class/net`;
  const child = Bun.spawn(['unshare', '--net', '--mount', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = await new Response(child.stdout).text();
  const err = await new Response(child.stderr).text();
  rmSync(sys, { recursive: true });
  own.remove();
  expect(err).toBe('');
  const [whileUp = '', after = ''] = out.split('Total reclaimed space: 0B', 2);
  expect(whileUp).toBe('cloche0\nlo\n');
  expect(after).toMatch(/\ncloche0\n(cl\w+\n)?lo\n/);
  expect(after).toContain('Deleted Containers:');
  expect(out).toContain('Deleted Networks and Cgroups:\ncloche0\n');
  expect(out).toEndWith('\nleft:\nlo\n');
}, 60_000);
