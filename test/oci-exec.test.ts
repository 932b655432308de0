import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { perform } from '../src/linux/perform.ts';
import {
  block,
  buffer,
  call,
  flags,
  int32,
  plan,
  pointer,
  result,
  value,
} from '../src/linux/plan/index.ts';
import { readStat } from '../src/linux/proc/index.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** `cloche oci` as engines use it: more processes, terminals that are sent, descriptors, logs. */
setDefaultTimeout(60_000);
let bundles: Bundles;
let scratch = '';
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
  scratch = bundles.scratch;
  const path = await bundles.bundle('box', 'sleep 600');
  expect(await oci('run', '--detach', '--bundle', path, 'box')).toMatchObject({ code: 0 });
}, BASE_TIMEOUT);

afterAll(async () => {
  await oci('delete', '--force', 'box');
  bundles.remove();
});

test('a detached process runs on, and its pid is written down', async () => {
  const pidFile = join(scratch, 'exec.pid');
  const ran = await oci('exec', '--detach', '--pid-file', pidFile, 'box', 'sleep', '601');
  expect(ran).toMatchObject({ code: 0, err: '' });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  expect(readStat(pid)?.comm).toBe('sleep');
  expect((await oci('exec', 'box', 'sh', '-c', 'cat /proc/[0-9]*/cmdline')).out).toContain('601');
  process.kill(pid, 'SIGKILL');
});

test('flags make the process of the config another one', async () => {
  const show = 'pwd; echo $A; id -u; id -G; grep NoNewPrivs /proc/self/status';
  const words = ['--cwd', '/tmp', '-e', 'A=b', '-u', '7:8', '-g', '9', '--no-new-privs'];
  const { out } = await oci('exec', ...words, 'box', 'sh', '-c', show);
  expect(out).toBe('/tmp\nb\n7\n8 9\nNoNewPrivs:\t1\n');
});

test('what a flag does not name stays as the config has it: group, groups, OOM score', async () => {
  const path = await bundles.bundle('someone', 'sleep 600', (spec) => ({
    ...spec,
    process: {
      ...spec.process,
      oomScoreAdj: 321,
      user: { uid: 5, gid: 50, additionalGids: [60], umask: 0o27 },
    },
  }));
  expect((await oci('run', '--detach', '--bundle', path, 'someone')).code).toBe(0);
  const show = 'id -u; id -G; umask; cat /proc/self/oom_score_adj';
  expect((await oci('exec', '-u', '1000', 'someone', 'sh', '-c', show)).out).toBe(
    '1000\n50 60\n0027\n321\n',
  );
  expect((await oci('exec', '-u', '1000:7', 'someone', 'id', '-G')).out).toBe('7 60\n');
  expect(await oci('exec', '--cwd', 'tmp', 'someone', 'pwd')).toMatchObject({
    code: 255,
    err: expect.stringContaining('Cwd must be an absolute path'),
  });
  expect((await oci('delete', '--force', 'someone')).code).toBe(0);
});

test('HOME is the user’s by the container’s passwd, of run and of exec', async () => {
  const path = await bundles.bundle('home', 'echo $HOME');
  expect((await oci('run', '--bundle', path, 'home')).out).toBe('/root\n');
  const home = async (...words: string[]) =>
    (await oci('exec', ...words, 'box', 'sh', '-c', 'echo $HOME')).out;
  expect(await home()).toBe('/root\n');
  expect(await home('-u', '1')).toBe('/usr/sbin\n');
  expect(await home('-u', '4711')).toBe('/\n');
  expect(await home('-e', 'HOME=/mine')).toBe('/mine\n');
});

test('--process takes the whole process from a file', async () => {
  const file = join(scratch, 'process.json');
  const process = {
    user: { uid: 5, gid: 6 },
    cwd: '/usr',
    args: ['sh', '-c', 'id -u; pwd; exit 3'],
  };
  writeFileSync(file, JSON.stringify({ ...process, env: ['PATH=/bin:/usr/bin'] }));
  expect(await oci('exec', '--process', file, 'box')).toMatchObject({ code: 3, out: '5\n/usr\n' });
  writeFileSync(file, JSON.stringify({ ...process, cwd: 'usr' }));
  expect(await oci('exec', '-p', file, 'box')).toMatchObject({
    code: 255,
    err: expect.stringContaining('invalid at cwd'),
  });
});

test('what cannot be run ends with 255, as with runc', async () => {
  expect(await oci('exec', 'box', '/nowhere')).toMatchObject({ code: 255 });
  expect(await oci('exec', 'nobody', 'true')).toMatchObject({ code: 255 });
  expect(await oci('exec', 'box')).toMatchObject({
    code: 255,
    err: expect.stringContaining('process args cannot be empty'),
  });
});

/** Listens on a unix socket, takes a terminal's master there, and reads from it until it ends. */
async function receiveTerminal(path: string): Promise<{ readonly said: Promise<string> }> {
  const name = new TextEncoder().encode(path);
  const address = block('address', [Uint8Array.of(1, 0), name], { size: 110 });
  const text = buffer('name', 16);
  const vector = block('vector', [pointer(text), 16]);
  const control = buffer('control', 24);
  const message = block('message', [0, 0, pointer(vector), 1, pointer(control), 24, 0]);
  const [socket, peer, length] = [result('socket'), result('peer'), result('length')];
  const heard = buffer('heard', 256);
  const master = value(control, 16, 'i32');
  const receiving = perform(
    plan('receive', [
      call('socket', [flags('AF_UNIX'), flags('SOCK_STREAM', 'SOCK_CLOEXEC'), 0], 'one', {
        save: socket,
      }),
      call('bind', [socket, pointer(address), 110], 'here'),
      call('listen', [socket, 1], 'listen'),
      call('accept4', [socket, 0, 0, 0], 'somebody', { save: peer }),
      call('recvmsg', [peer, pointer(message), 0], 'the terminal'),
      call('ioctl', [master, 0x5414, pointer(block('size', [int32(0)], { size: 8 }))], 'it is one'),
      call('nanosleep', [pointer(block('half a second', [0, 500_000_000])), 0], 'let it talk'),
      call('read', [master, pointer(heard), 256], 'what it says', { save: length }),
    ]),
  );
  while (!existsSync(path)) await Bun.sleep(5);
  const said = receiving.then((end) =>
    new TextDecoder().decode(end.read(heard).subarray(0, Number(end.value(length)))),
  );
  return { said };
}

test('--console-socket: the terminal is sent, of an exec and of a created container', async () => {
  const exec = join(scratch, 'exec.sock');
  const first = await receiveTerminal(exec);
  const words = ['--tty', '--detach', '--console-socket', exec];
  const show = 'test -t 0 && tty; sleep 1';
  expect(await oci('exec', ...words, 'box', 'sh', '-c', show)).toMatchObject({ code: 0, err: '' });
  expect(await first.said).toMatch(/^\/dev\/pts\/\d+\r\n$/);

  const path = await bundles.bundle('talks', show, (spec) => ({
    ...spec,
    process: { ...spec.process, terminal: true },
  }));
  const socket = join(scratch, 'create.sock');
  const second = await receiveTerminal(socket);
  expect(await oci('create', '--bundle', path, '--console-socket', socket, 'talks')).toMatchObject({
    code: 0,
  });
  expect((await oci('start', 'talks')).code).toBe(0);
  expect(await second.said).toMatch(/^\/dev\/pts\/\d+\r\n$/);
  await bundles.until('stopped', 'talks');
  expect((await oci('delete', 'talks')).code).toBe(0);
});

test('without a socket nobody could carry a detached terminal', async () => {
  expect(await oci('exec', '--tty', '--detach', 'box', 'true')).toMatchObject({
    code: 255,
    err: expect.stringContaining('without setting console socket'),
  });
});

/** Runs `cloche oci` with files open as 3, 4 and 5. */
async function withFiles(...args: string[]) {
  const paths = ['3', '4', '5'].map((name) => join(scratch, `fd${name}`));
  for (const path of paths) writeFileSync(path, `this is ${path.at(-1)}\n`);
  const fds = paths.map((path) => openSync(path, 'r+'));
  const out = join(scratch, `fds.out.${args.at(-1)?.length}.${args.length}`);
  const child = Bun.spawn([PROGRAM, 'oci', '--root', join(scratch, 'state'), ...args], {
    stdio: ['ignore', Bun.file(out), Bun.file(out), ...fds] as never,
  });
  const code = await child.exited;
  for (const fd of fds) closeSync(fd);
  return { code, out: readFileSync(out, 'utf8') };
}

test('--preserve-fds: the program has those descriptors and no other of ours', async () => {
  const show = 'ls /proc/self/fd | tr "\\n" " "; cat <&3; cat <&5';
  // ls has one more, the directory that it lists.
  const wanted = '0 1 2 3 4 5 6 this is 3\nthis is 5\n';
  expect(await withFiles('exec', '--preserve-fds', '3', 'box', 'sh', '-c', show)).toEqual({
    code: 0,
    out: wanted,
  });
  const path = await bundles.bundle('keeps', show);
  expect(await withFiles('run', '--preserve-fds', '3', '--bundle', path, 'keeps')).toEqual({
    code: 0,
    out: wanted,
  });
  const none = await withFiles('exec', 'box', 'sh', '-c', 'ls /proc/self/fd | tr "\\n" " "');
  expect(none.out).toBe('0 1 2 3 ');
  expect(await oci('exec', '--preserve-fds', '1000', 'box', 'true')).toMatchObject({
    code: 255,
    err: expect.stringContaining('of 1000) is present'),
  });
});

test('--log: errors are there too, as text or as JSON', async () => {
  const log = join(scratch, 'log');
  expect((await oci('--log', log, 'start', 'box')).code).toBe(1);
  expect(readFileSync(log, 'utf8')).toMatch(
    /^time="[^"]+" level=error msg="cannot start an already running container"\n$/,
  );
  rmSync(log);
  await oci('--log', log, '--log-format', 'json', 'state', 'nobody');
  expect(JSON.parse(readFileSync(log, 'utf8'))).toMatchObject({
    level: 'error',
    msg: "container does not exist: 'nobody'",
  });
  expect((await oci('--log-format', 'xml', 'list')).code).toBe(1);
});

test('a create that was killed leaves an id that can be used again', async () => {
  const path = await bundles.bundle('killed', 'true', (spec) => ({
    ...spec,
    hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 20'] }] },
  }));
  const child = Bun.spawn([
    ...[PROGRAM, 'oci', '--root', join(scratch, 'state'), 'create', '--bundle', path, 'killed'],
  ]);
  while (!existsSync(join(scratch, 'state', 'killed', 'start.fifo'))) await Bun.sleep(5);
  await Bun.sleep(100);
  child.kill('SIGKILL');
  await child.exited;
  expect((await oci('delete', 'killed')).err).toContain('container does not exist');
  expect(existsSync(join(scratch, 'state', 'killed'))).toBe(false);
  expect(existsSync('/sys/fs/cgroup/pids/cloche/oci-killed')).toBe(false);
});
