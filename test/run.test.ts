import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
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
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/** The command line, as a user meets it. After each test nothing of it is left. */
const cloche = resolve(import.meta.dir, '../bin/cloche');
const image = 'debian:bookworm';
let root = '';
let scratch = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  scratch = mkdtempSync(join(tmpdir(), 'cloche-run-'));
}, BASE_TIMEOUT);

beforeEach(() => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  const containers = join(root, 'containers');
  expect(mounts).not.toContain(root);
  expect(existsSync(containers) ? readdirSync(containers) : []).toEqual([]);
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  remove();
});

const env = () => ({ ...process.env, CLOCHE_ROOT: root, FROM_OUTSIDE: 'yes' });

async function run(...args: string[]) {
  const child = Bun.spawn([cloche, ...args], { env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

test.each([
  ['0 of true', ['true'], 0, ''],
  ["3 of the program's own", ['sh', '-c', 'exit 3'], 3, ''],
  ['143 for one ended by SIGTERM', ['sh', '-c', "sh -c 'kill -TERM $$'"], 143, ''],
  ['127 for a program that is not there', ['nope'], 127, 'executable file not found in $PATH'],
  ['127 for a path that is not there', ['/bin/nope'], 127, 'no such file or directory'],
  ['126 for one that is not executable', ['/etc/passwd'], 126, 'permission denied'],
])('run gives %s', async (_, command, code, says) => {
  const ran = await run('run', '--rm', '--network', 'none', image, ...command);
  expect(ran.code).toBe(code);
  expect(ran.err).toContain(says);
});

test.each([
  ['an unknown flag', ['--nope', image], 'unknown flag: --nope'],
  ['an unknown image', ['no/such/image'], "unable to find image 'no/such/image:latest' locally"],
  ['a name with a slash', ['--name', 'a/b', image, 'true'], 'invalid container name'],
  ['a size that is none', ['--memory', 'much', image, 'true'], 'a size looks like'],
  ['a volume without a target', ['-v', 'tmp', image, 'true'], 'invalid volume specification'],
  ['an unknown user', ['-u', 'gardener', image, 'true'], 'unable to find user gardener'],
  ['an unknown capability', ['--cap-add', 'FLY', image, 'true'], 'CAP_FLY'],
  ['a working directory that is a file', ['-w', '/etc/passwd', image, 'true'], '/etc/passwd'],
])('run refuses %s with 125 and a hint', async (_, args, says) => {
  const ran = await run('run', '--rm', '--network', 'none', ...args);
  expect(ran.code).toBe(125);
  expect(ran.err).toContain(says);
});

test('run -t without a terminal is 1, as with docker', async () => {
  const ran = await run('run', '--rm', '-it', image, 'true');
  expect(ran.code).toBe(1);
  expect(ran.err).toContain('the input device is not a TTY');
});

test('run makes a working directory that is missing, as docker does', async () => {
  const ran = await run('run', '--rm', '--network', 'none', '-w', '/a/new/one', image, 'pwd');
  expect(ran).toMatchObject({ code: 0, out: '/a/new/one\n' });
});

test('run sets environment, directory, user, host name and volumes', async () => {
  const volume = join(scratch, 'volume');
  mkdirSync(volume);
  writeFileSync(join(volume, 'file'), 'from the host');
  const script =
    'echo $A $FROM_OUTSIDE; pwd; id -u; id -g; hostname; cat /v/file; touch /v/new 2>&1 | tail -c 22';
  const ran = await run(
    ...['run', '--rm', '--network', 'none', '-e', 'A=1', '-e', 'FROM_OUTSIDE', '-w', '/usr/share'],
    ...[
      '-u',
      'nobody:daemon',
      '--hostname',
      'glass',
      '-v',
      `${volume}:/v:ro`,
      image,
      'sh',
      '-c',
      script,
    ],
  );
  expect(ran.out).toBe('1 yes\n/usr/share\n65534\n1\nglass\nfrom the hostRead-only file system\n');
});

/** Wants 200 MB at once. */
const hungry = 'dd if=/dev/zero of=/dev/null bs=200MB count=1';

test('memory that is not allowed ends with 137, forks that are not allowed are refused', async () => {
  const limited = ['run', '--rm', '--network', 'none', '--memory', '64m', image, 'sh', '-c'];
  expect((await run(...limited, `${hungry}; exit $?`)).code).toBe(137);
  const forks = await run(
    'run',
    '--rm',
    '--network',
    'none',
    '--pids-limit',
    '5',
    image,
    'sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait',
  );
  expect(forks.err).toContain('Cannot fork');
});

test.each([
  [hungry, 'true\n'],
  ['exit 137', 'false\n'],
])('inspect knows afterwards whether memory was the reason: %s', async (script, expected) => {
  const flags = ['--name', 'hungry', '--network', 'none', '--memory', '64m'];
  await run('run', ...flags, image, 'bash', '-c', script);
  expect((await run('inspect', '-f', '{{.State.OOMKilled}}', 'hungry')).out).toBe(expected);
  await run('rm', 'hungry');
});

test('its own cgroups, and no others, are there to be read: what a program may use', async () => {
  const script = `cd /sys/fs/cgroup
    cat memory/memory.limit_in_bytes 2> /dev/null || cat memory.max
    cat pids/cgroup.procs 2> /dev/null || cat cgroup.procs
    mkdir pids/more || mkdir more`;
  const flags = ['--rm', '--network=none', '-m', '80m'];
  const { out, err } = await run('run', ...flags, image, 'sh', '-c', `${script}; true`);
  expect(out.split('\n').slice(0, 2)).toEqual(['83886080', '1']);
  expect(err).toContain('Read-only file system');
  const mine = await run(
    'run',
    '--rm',
    '--network=host',
    image,
    'cat',
    '/sys/fs/cgroup/pids/tasks',
  );
  if (detectCgroups().of.pids?.version === 1) expect(mine.out).toBe('1\n');
});

test('what docker hides is hidden, and what it makes read-only is', async () => {
  const script =
    'cat /proc/keys | wc -c; ls /proc/acpi /sys/firmware | wc -w; echo 1 > /proc/sys/kernel/domainname; cat /proc/self/status | grep -E "^(Seccomp|CapEff)"';
  const ran = await run('run', '--rm', '--network', 'none', image, 'sh', '-c', script);
  expect(ran.out).toContain('CapEff:\t00000000a80425fb\nSeccomp:\t2\n');
  expect(ran.err).toContain('Read-only file system');
});

test('what goes at its end anyway is not synced to the disk; what stays is, and can be started again', async () => {
  const root = ['--network', 'none', image, 'grep', ' / overlay ', '/proc/mounts'];
  expect((await run('run', '--rm', ...root)).out).toContain('volatile');
  expect((await run('run', '--name', 'stays', ...root)).out).not.toContain('volatile');
  expect(await run('start', '-a', 'stays')).toMatchObject({ code: 0, err: '' });
  await run('rm', 'stays');
});

test('a terminal is as large as ours, and hears of every change', async () => {
  let seen = '';
  const child = Bun.spawn(
    [cloche, 'run', '-it', '--rm', '--network', 'none', image, 'bash', '--norc'],
    {
      env: env(),
      terminal: {
        cols: 91,
        rows: 23,
        data: (_, bytes) => {
          seen += new TextDecoder().decode(bytes);
        },
      },
    },
  );
  const until = async (text: string) => {
    for (let i = 0; i < 200 && !seen.includes(text); i++) await Bun.sleep(20);
    expect(seen).toContain(text);
  };
  await until('# ');
  child.terminal?.write('stty size\n');
  await until('23 91');
  child.terminal?.resize(77, 19);
  await Bun.sleep(100);
  child.terminal?.write('stty size; exit 4\n');
  await until('19 77');
  expect(await child.exited).toBe(4);
});

test('a container in the background is listed, entered, killed and removed', async () => {
  const name = `box-${process.pid}`;
  const { out: id } = await run(
    'run',
    '-d',
    '--network',
    'none',
    '--name',
    name,
    image,
    'sleep',
    '1000',
  );
  expect(id).toMatch(/^[0-9a-f]{64}\n$/);
  expect((await run('run', '--name', name, image, 'true')).err).toContain('already in use');
  expect((await run('ps')).out).toMatch(
    new RegExp(`${id.slice(0, 12)} +debian:bookworm +"sleep 1000" .* Up .* ${name}`),
  );
  expect(
    await run('exec', '-e', 'X=7', name, 'sh', '-c', 'echo $X; cat /proc/1/comm'),
  ).toMatchObject({ code: 0, out: '7\nsleep\n' });
  expect((await run('exec', name, 'nope')).code).toBe(127);
  expect((await run('rm', name)).err).toContain('container is running');
  expect(await run('kill', name, 'nobody')).toMatchObject({ code: 1, out: `${name}\n` });
  for (let i = 0; i < 100 && (await run('ps', '-q')).out !== ''; i++) await Bun.sleep(20);
  const [one] = JSON.parse((await run('ps', '--all', '--json')).out) as {
    exitCode: number;
    name: string;
  }[];
  expect(one).toMatchObject({ name, exitCode: 137 });
  expect((await run('exec', name, 'true')).err).toContain('is not running');
  expect(await run('rm', name)).toMatchObject({ code: 0, out: `${name}\n` });
});

test('Ctrl-C at a container in the foreground reaches its program', async () => {
  const child = Bun.spawn(
    [
      cloche,
      'run',
      '--rm',
      '--network',
      'none',
      image,
      'bash',
      '-c',
      'trap "exit 9" INT; echo up; while :; do sleep 0.05; done',
    ],
    {
      env: env(),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const reader = child.stdout.getReader();
  await reader.read();
  await Bun.sleep(100);
  child.kill('SIGINT');
  expect(await child.exited).toBe(9);
});

test('explain prints the calls with their reasons and makes nothing', async () => {
  const { code, out } = await run('run', '--explain', '--network', 'none', image, 'true');
  expect(code).toBe(0);
  expect(out).toContain('pivot_root(".", ".")');
  const json = JSON.parse(
    (await run('run', '--explain', '--json', '--network', 'none', image, 'true')).out,
  ) as { call: string; why: string }[];
  expect(json.length).toBeGreaterThan(300);
  expect(json.every(({ why }) => why !== '')).toBe(true);
});

test('two containers reach each other over the bridge, and the host name is theirs', async () => {
  const name = `net-${process.pid}`;
  await run('run', '-d', '--name', name, image, 'sleep', '100');
  const address = (
    await run('exec', name, 'sh', '-c', 'grep "$(hostname)" /etc/hosts | cut -f1')
  ).out.trim();
  expect(address).toMatch(/^10\.88\./);
  const heard = run(
    'exec',
    name,
    'perl',
    '-MIO::Socket',
    '-e',
    'my $s=IO::Socket::INET->new(LocalPort=>7000,Listen=>1,ReuseAddr=>1); my $c=$s->accept; print scalar <$c>',
  );
  await run(
    'run',
    '--rm',
    image,
    'bash',
    '-c',
    `for i in {1..50}; do echo hello > /dev/tcp/${address}/7000 && exit; sleep 0.1; done`,
  );
  expect((await heard).out).toBe('hello\n');
  await run('rm', '-f', name);
});

test('somebody else in its cgroup hides no exit code, and keeps nobody from his work', async () => {
  const name = 'run-leftover';
  const script = 'echo here; read x; exit 7';
  const child = Bun.spawn(
    [cloche, 'run', '-i', '--rm', '--name', name, image, 'sh', '-c', script],
    {
      env: env(),
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  for await (const chunk of child.stdout) if (chunk.length > 0) break;
  const id = JSON.parse((await run('inspect', name)).out)[0].Id as string;
  const guest = Bun.spawn(['sleep', '60']);
  const group = detectCgroups().all.map(({ mountPoint }) => `${mountPoint}/cloche/${id}`);
  writeFileSync(join(group.at(-1) ?? '', 'cgroup.procs'), String(guest.pid));
  child.stdin.end();
  const err = await new Response(child.stderr).text();
  expect([await child.exited, err]).toEqual([7, expect.stringContaining('is still in use')]);
  expect((await run('ps')).code).toBe(0);
  guest.kill();
  await guest.exited;
  await run('ps');
  expect(group.filter((path) => existsSync(path))).toEqual([]);
}, 60_000);
