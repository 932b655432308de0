import { expect, test } from 'bun:test';
import { mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCmdline } from '../src/linux/proc/index.ts';
import { containerScene, IMAGE } from './containers.ts';

/** What a container shares with this machine and with others, as `run` is told. */
const { root, cloche, run } = containerScene();

const inside = (flags: readonly string[], script: string) =>
  cloche('run', '--rm', '--network=none', ...flags, IMAGE, 'sh', '-c', script);
const own = (type: string) => `${readlinkSync(`/proc/self/ns/${type}`)}\n`;

test.each([
  ['--pid', 'pid'],
  ['--ipc', 'ipc'],
  ['--uts', 'uts'],
  ['--cgroupns', 'cgroup'],
])(
  '%s host is the host’s %s namespace, and without it there is another one',
  async (flag, type) => {
    const script = `readlink /proc/self/ns/${type}`;
    expect((await inside([`${flag}=host`], script)).out).toBe(own(type));
    expect((await inside([], script)).out).not.toBe(own(type));
  },
);

test('--ipc host brings the host’s /dev/shm, --ipc none takes it away', async () => {
  const name = `cloche-${process.pid}`;
  writeFileSync(`/dev/shm/${name}`, 'seen');
  expect((await inside(['--ipc=host'], `cat /dev/shm/${name}`)).out).toBe('seen');
  rmSync(`/dev/shm/${name}`);
  expect((await inside(['--ipc=none'], '[ -d /dev/shm ] || echo none')).out).toBe('none\n');
  expect((await inside(['--ipc=private'], 'ls /dev/shm')).out).toBe('');
});

test('--uts host has the host’s name, and no other is taken', async () => {
  const { out } = await inside(['--uts=host', '--userns=host'], 'hostname; cat /etc/hostname');
  expect(out).toBe(`${hostname()}\n${hostname()}\n`);
  expect(await inside(['--uts=host', '-h', 'x'], 'true')).toMatchObject({
    code: 125,
    err: expect.stringContaining('conflicting options: hostname and the UTS mode'),
  });
});

test('--pid container:… sees the processes of another, and exec into it does, too', async () => {
  await run('first', 'sleep', '100');
  await cloche(
    ...['run', '-d', '--name=second', '--network=none', '--pid', 'container:first', IMAGE],
    ...['sleep', '99'],
  );
  const look = ['sh', '-c', 'tr "\\0" " " < /proc/1/cmdline'];
  expect((await cloche('exec', 'second', ...look)).out).toBe('sleep 100 ');
  expect((await cloche('exec', 'first', 'sh', '-c', 'cat /proc/[0-9]*/cmdline')).out).toContain(
    '99',
  );
  await cloche('rm', '-f', 'first');
  const missing = await inside(['--pid=container:second'], 'true');
  expect(missing.code).toBe(125);
  await cloche('rm', '-f', 'second');
});

test('with --pid host, rm -f leaves no process, although nobody in it was PID 1', async () => {
  await cloche(
    ...['run', '-d', '--name=box', '--network=none', '--pid=host', IMAGE],
    ...['sh', '-c', 'sleep 4711 & sleep 4711'],
  );
  await Bun.sleep(300);
  const pids = (await cloche('top', 'box', '-o', 'pid')).out.match(/\d+/g) ?? [];
  expect(pids.length).toBeGreaterThan(1);
  await cloche('rm', '-f', 'box');
  await Bun.sleep(100);
  // One whose parent has not looked yet has no words left.
  const words = (pid: string) => readCmdline(Number(pid)) ?? [];
  expect(pids.flatMap(words)).toEqual([]);
});

test('--domainname, --dns-search and --dns-option are in its files', async () => {
  const flags = ['-h', 'box', '--domainname=example.org', '--dns-search=a.b', '--dns-search=c.d'];
  const script = 'cat /proc/sys/kernel/domainname /etc/resolv.conf; hostname -f';
  const line = ['run', '--rm', ...flags, '--dns=192.0.2.1', '--dns-option=ndots:2', IMAGE];
  expect((await cloche(...line, 'sh', '-c', script)).out).toBe(
    'example.org\nnameserver 192.0.2.1\nsearch a.b c.d\noptions ndots:2\nbox.example.org\n',
  );
  const nowhere = ['run', '--rm', '--dns-search=.', IMAGE, 'cat', '/etc/resolv.conf'];
  expect((await cloche(...nowhere)).out).not.toContain('search');
});

test('--volumes-from has another’s volumes, read-only if it is said, and its own before them', async () => {
  const volumes = ['-v', 'data:/data', '-v', 'more:/more'];
  await cloche(
    'run',
    '--name=one',
    '--network=none',
    ...volumes,
    IMAGE,
    'sh',
    '-c',
    'echo 1 > /data/a',
  );
  const look = 'cat /data/a; touch /more/x; echo $?';
  expect((await inside(['--volumes-from', 'one'], look)).out).toBe('1\n0\n');
  const { out } = await inside(['--volumes-from', 'one:ro', '-v', '/tmp:/more'], 'touch /data/b');
  expect(out).toBe('');
  const mounts = (await inside(['--volumes-from=one:ro'], 'grep -E " /(data|more) " /proc/mounts'))
    .out;
  expect(mounts.match(/ ro,/g)).toHaveLength(2);
  await cloche('rm', 'one');
  await cloche('volume', 'rm', 'data', 'more');
});

test('--link is a line of /etc/hosts for what runs on the bridge', async () => {
  await cloche('run', '-d', '--name=db', IMAGE, 'sleep', '100');
  const line = ['run', '--rm', '--link', 'db:database', IMAGE, 'getent', 'ahostsv4', 'database'];
  const address = (
    await cloche('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'db')
  ).out.trim();
  expect((await cloche(...line)).out).toContain(address);
  await cloche('stop', '-t', '0', 'db');
  expect(await cloche(...line)).toMatchObject({
    code: 125,
    err: expect.stringContaining('cannot link to a non running container'),
  });
  await cloche('rm', 'db');
});

test('--label-file, --cpu-quota, and what is accepted', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-labels-'));
  const file = join(directory, 'labels');
  writeFileSync(file, '# none\na=1\nb\n');
  const flags = ['--label-file', file, '-l', 'a=2', '--cpu-period=50000', '--cpu-quota=25000'];
  await cloche('create', '-q', '--no-healthcheck', '--name=box', ...flags, IMAGE, 'true');
  const format = '{{json .Config.Labels.a}} {{json .Config.Labels.b}} {{.HostConfig.CpuQuota}}';
  expect((await cloche('inspect', '-f', format, 'box')).out).toBe('"2" "" 25000\n');
  await cloche('rm', 'box');
  const both = await inside(['--cpus=1', '--cpu-quota=25000'], 'true');
  expect([both.code, both.err]).toEqual([125, expect.stringContaining('conflicting options')]);
  rmSync(directory, { recursive: true });
});

test('--sig-proxy=false: a signal for us is none for the program', async () => {
  const script = 'trap "echo heard" INT TERM; echo up; sleep 2; echo end';
  const env = { ...process.env, CLOCHE_ROOT: root() };
  const words = ['run', '--rm', '--network=none', '--sig-proxy=false', IMAGE, 'sh', '-c', script];
  const child = Bun.spawn(['bin/cloche', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  await Bun.sleep(700);
  child.kill('SIGTERM');
  expect(await new Response(child.stdout).text()).toBe('up\n');
  expect(child.signalCode ?? (await child.exited)).not.toBe(0);
  await cloche('ps', '-a');
});
