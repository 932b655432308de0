import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn } from './cli.ts';

/** Commands over containers; each test removes its own. */
const image = 'debian:bookworm';
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);
afterEach(async () => {
  const left = (await cloche('ps', '-aq')).out.split('\n').filter((id) => id !== '');
  if (left.length > 0) await cloche('rm', '-f', ...left);
  expect(left).toEqual([]);
});
afterAll(() => remove());

const cloche = (...args: string[]) => clocheIn(root, args);
const run = (name: string, ...command: string[]) =>
  cloche('run', '-d', '--network', 'none', '--name', name, image, ...command);

test.each([
  [['kill', 'nope'], 'no such container: nope'],
  [['rm', 'nope'], 'no such container: nope'],
  [['rm', '-f', 'nope'], 'no such container: nope'],
])('%j gives 1 and says so', async (args, says) => {
  const { code, err, out } = await cloche(...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(says);
});

test('kill and rm go on after a name that fails, and name what they did', async () => {
  await run('box', 'sleep', '100');
  expect((await cloche('rm', 'box')).err).toContain(
    "cannot remove container 'box': container is running",
  );
  expect((await cloche('kill', '-s', 'NOPE', 'box')).code).toBe(1);
  const killed = await cloche('kill', 'nope', 'box');
  expect(killed).toMatchObject({ code: 1, out: 'box\n' });
  const again = await cloche('rm', '-f', 'box', 'nope');
  expect(again).toMatchObject({ code: 1, out: 'box\n' });
});

test('rmi refuses the image of a container; by force its name goes, and the container lives on', async () => {
  await cloche('tag', image, 'mine');
  await cloche('rmi', image);
  const made = (
    await cloche('run', '-d', '--name', 'box', '--network', 'none', 'mine', 'sleep', '100')
  ).out;
  const short = made.slice(0, 12);
  const refused = await cloche('rmi', 'mine');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(
    `conflict: unable to remove repository reference "mine" (must force) - container ${short} is using its referenced image`,
  );
  expect((await cloche('rmi', '-f', 'mine')).out).toBe('Untagged: mine:latest\n');
  const [row] = JSON.parse((await cloche('images', '--json')).out);
  expect(row.tags).toEqual([]);
  expect((await cloche('rmi', '-f', row.id)).err).toContain('(cannot be forced)');
  expect((await cloche('exec', 'box', 'echo', 'here')).out).toBe('here\n');
  await cloche('tag', row.id, image);
  await cloche('rm', '-f', 'box');
});

test("inspect shows a container in docker's shape", async () => {
  const options = ['--memory', '64m', '-e', 'A=1', '-v', '/tmp:/t:ro'];
  const id = (
    await cloche(
      ...['run', '-d', '--name', 'box', '--network', 'none', ...options],
      ...[image, 'sleep', '100'],
    )
  ).out.trim();
  const [shown] = JSON.parse((await cloche('inspect', 'box')).out);
  expect(shown).toMatchObject({
    Id: id,
    Name: '/box',
    Path: 'sleep',
    Args: ['100'],
    State: { Status: 'running', Running: true, Paused: false, OOMKilled: false, ExitCode: 0 },
    HostConfig: { Memory: 64 * 2 ** 20, NetworkMode: 'none', Binds: ['/tmp:/t:ro'] },
    Mounts: [{ Type: 'bind', Source: '/tmp', Destination: '/t', RW: false }],
    Config: { Cmd: ['sleep', '100'], Image: image, Hostname: id.slice(0, 12) },
  });
  expect(shown.Config.Env).toContain('A=1');
  const pid = (await cloche('inspect', '-f', '{{.State.Pid}}', 'box')).out.trim();
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toEqual(['sleep', '100', '']);
  await cloche('kill', 'box');
  await Bun.sleep(300);
  const after = await cloche(
    'container',
    'inspect',
    '-f',
    '{{.State.Status}} {{.State.ExitCode}}',
    'box',
  );
  expect(after.out).toBe('exited 137\n');
  await cloche('rm', '-f', 'box');
});

test('logs has each stream apart, its times, its last lines, and nothing of the foreground', async () => {
  const script = 'echo one; echo two >&2; printf three; sleep 0.3; echo " and four"; printf five';
  await run('box', 'sh', '-c', script);
  expect((await cloche('wait', 'box')).out).toBe('0\n');
  const whole = await cloche('logs', 'box');
  expect(whole).toEqual({ code: 0, out: 'one\nthree and four\nfive', err: 'two\n' });
  const followed = await cloche('logs', '-f', 'box');
  expect(followed.out).toBe('one\nthree and four\nfive');
  expect((await cloche('logs', '--tail', '1', 'box')).out).toBe('five');
  expect((await cloche('logs', '-n', '0', 'box')).out).toBe('');
  const [line = ''] = (await cloche('logs', '-t', 'box')).out.split('\n');
  const [time = '', text] = line.split(' ');
  expect([time.length, text]).toEqual(['2026-01-01T00:00:00.123456789Z'.length, 'one']);
  expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000);
  expect((await cloche('logs', '--since', '1h', 'box')).out).toBe(whole.out);
  expect((await cloche('logs', '--until', '1h', 'box')).out).toBe('');
  await cloche('run', '--name', 'front', '--network', 'none', image, 'echo', 'seen');
  expect((await cloche('logs', 'front')).err).toContain("the output of 'front' was not kept");
  await cloche('rm', 'box', 'front');
});

test('logs -f goes on until the end, and loses nothing of a lot', async () => {
  await run('box', 'sh', '-c', 'for i in 1 2 3; do sleep 0.2; seq 20000; done; exit 5');
  const { out, code } = await cloche('logs', '--follow', 'box');
  expect(code).toBe(0);
  const lines = out.split('\n');
  expect([lines.length, lines[59_999]]).toEqual([60_001, '20000']);
  expect((await cloche('wait', 'box')).out).toBe('5\n');
  await cloche('rm', 'box');
});

test('stop asks with TERM, then kills when the time is over', async () => {
  await run('polite', 'sh', '-c', 'trap "echo bye; exit 7" TERM; while :; do sleep 0.05; done');
  await run('deaf', 'sleep', '100');
  expect(await cloche('stop', 'polite')).toEqual({ code: 0, out: 'polite\n', err: '' });
  expect((await cloche('logs', 'polite')).out).toBe('bye\n');
  const started = Date.now();
  expect((await cloche('stop', '-t', '1', 'deaf', 'polite', 'nope')).out).toBe('deaf\npolite\n');
  expect(Date.now() - started).toBeWithin(1000, 8000);
  const codes = await cloche('inspect', '-f', '{{.State.ExitCode}}', 'polite', 'deaf');
  expect(codes.out).toBe('7\n137\n');
  await cloche('rm', 'polite', 'deaf');
});

test('start runs what has ended once more, with its files; --attach gives its output and code', async () => {
  await run('box', 'sh', '-c', 'cat /seen; date > /seen; echo run; exit 3');
  await cloche('wait', 'box');
  const attached = await cloche('start', '-a', 'box');
  expect(attached.code).toBe(3);
  expect(attached.out).toMatch(/^\w+ .* UTC \d{4}\nrun\n$|^.+\nrun\n$/);
  expect(await cloche('start', 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
  await cloche('wait', 'box');
  expect((await cloche('logs', 'box')).out.match(/^run$/gm)).toHaveLength(3);
  expect((await cloche('start', 'nope')).err).toContain('no such container: nope');
  await cloche('rm', 'box');
});

test('start of one that ran in the foreground goes to the background; restart gives a new pid', async () => {
  await cloche('run', '--name', 'box', '--network', 'none', image, 'sh', '-c', 'echo hi; sleep 1');
  await cloche('start', 'box');
  const pid = async () => (await cloche('inspect', '-f', '{{.State.Pid}}', 'box')).out;
  const first = await pid();
  expect(await cloche('restart', '-t', '0', 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
  const second = await pid();
  expect([first, second]).not.toContain('0\n');
  expect(second).not.toBe(first);
  expect((await cloche('logs', 'box')).out).toBe('hi\nhi\n');
  await cloche('rm', '-f', 'box');
});

test('pause holds a container still, unpause lets it go on, kill reaches it all the same', async () => {
  await run('box', 'sh', '-c', 'while :; do date +%s%N > /now; sleep 0.02; done');
  expect(await cloche('pause', 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
  expect((await cloche('pause', 'box')).err).toContain('container box is already paused');
  expect((await cloche('inspect', '-f', '{{.State.Status}}', 'box')).out).toBe('paused\n');
  expect((await cloche('exec', 'box', 'true')).err).toContain('is paused');
  const upper = (await cloche('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', 'box')).out.trim();
  const now = () => readFileSync(`${upper}/now`, 'utf8');
  const before = now();
  await Bun.sleep(200);
  expect(now()).toBe(before);
  expect((await cloche('unpause', 'box')).code).toBe(0);
  await Bun.sleep(200);
  expect(now()).not.toBe(before);
  expect((await cloche('unpause', 'box')).err).toContain('container box is not paused');
  await cloche('pause', 'box');
  expect((await cloche('rm', '-f', 'box')).out).toBe('box\n');
});

test('rename gives another name, none that is taken or is no name', async () => {
  await run('one', 'true');
  await run('two', 'true');
  expect((await cloche('rename', 'one', 'two')).err).toContain("name 'two' is already in use");
  expect((await cloche('rename', 'one', 'a/b')).err).toContain("invalid container name 'a/b'");
  expect((await cloche('rename', 'one', 'three')).code).toBe(0);
  expect((await cloche('rm', 'three', 'two')).out).toBe('three\ntwo\n');
});

test.each([
  [['logs', 'nope']],
  [['stop', 'nope']],
  [['restart', 'nope']],
  [['wait', 'nope']],
  [['pause', 'nope']],
  [['unpause', 'nope']],
  [['rename', 'nope', 'x1']],
  [['top', 'nope']],
  [['stats', '--no-stream', 'nope']],
  [['diff', 'nope']],
])('%j gives 1', async (args) => {
  const { code, err } = await cloche(...args);
  expect(code).toBe(1);
  expect(err).toContain('no such container: nope');
});

test('ps takes filters, formats, the last ones and sizes', async () => {
  await run('one', 'sh', '-c', 'head -c 3000 /dev/zero > /f; exit 4');
  await cloche('wait', 'one');
  await run('two', 'sleep', '100');
  const names = async (...args: string[]) =>
    (await cloche('ps', '--format', '{{.Names}} {{.State}}', ...args)).out;
  expect(await names()).toBe('two running\n');
  expect(await names('-a')).toBe('two running\none exited\n');
  expect(await names('-l')).toBe('two running\n');
  expect(await names('-n', '2')).toBe('two running\none exited\n');
  expect(await names('-f', 'status=exited')).toBe('one exited\n');
  expect(await names('-f', 'exited=4')).toBe('one exited\n');
  expect(await names('-a', '-f', 'name=on', '-f', 'name=wo')).toBe('two running\none exited\n');
  expect(await names('-a', '-f', 'name=on', '-f', 'status=running')).toBe('');
  expect(await names('-a', '-f', 'before=two')).toBe('one exited\n');
  expect(await names('-a', '-f', 'label=none')).toBe('');
  expect(await names('-a', '-f', `ancestor=${image}`)).toContain('one');
  expect((await cloche('ps', '-a', '-s', '--format', '{{.Size}}', '-f', 'name=one')).out).toBe(
    '3kB\n',
  );
  await cloche('pause', 'two');
  expect((await cloche('ps')).out).toMatch(/Up .*\(Paused\) +two\n$/);
  expect((await cloche('ps', '-f', 'colour=red')).err).toContain("invalid filter 'colour'");
  const [id] = (await cloche('ps', '-q', '--no-trunc')).out.split('\n');
  expect(id).toHaveLength(64);
  await cloche('rm', '-f', 'one', 'two');
});

test('top, stats and diff show what runs, what it uses and what it changed', async () => {
  const script = 'rm -r /opt; echo x > /etc/issue; mkdir /new; echo y > /new/f; exec sleep 100';
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  const [process] = JSON.parse((await cloche('top', 'box', '--json')).out);
  expect(process).toMatchObject({ uid: 0, command: 'sleep 100' });
  expect(readFileSync(`/proc/${process.pid}/comm`, 'utf8')).toBe('sleep\n');
  expect((await cloche('top', 'box')).out).toMatch(
    /^UID +PID +PPID +STIME +TIME +CMD\n0 +\d+ .* sleep 100\n$/,
  );
  const lines = (await cloche('diff', 'box')).out.split('\n');
  for (const line of ['D /opt', 'C /etc', 'C /etc/issue', 'A /new', 'A /new/f'])
    expect(lines).toContain(line);
  const [usage] = JSON.parse((await cloche('stats', '--json')).out);
  expect(usage).toMatchObject({ name: 'box', processes: 1 });
  expect(usage.memory).toBeGreaterThan(0);
  expect(usage.cpuPercent).toBeLessThan(50);
  const { out } = await cloche('stats', '--no-stream', 'box');
  expect(out).toMatch(
    /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % .*\n[0-9a-f]{12} +box +\d/,
  );
  await cloche('kill', 'box');
  await cloche('wait', 'box');
  expect((await cloche('top', 'box')).err).toContain('container box is not running');
  await cloche('rm', 'box');
});

test('stop of one with --rm in another terminal: run has its code, and both are content', async () => {
  const script = 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done';
  for (let i = 0; i < 5; i++) {
    const running = cloche(
      'run',
      '--rm',
      '--name',
      'box',
      '--network',
      'none',
      image,
      'sh',
      '-c',
      script,
    );
    const isUp = async () => (await cloche('ps', '--format', '{{.Names}}')).out === 'box\n';
    while (!(await isUp())) await Bun.sleep(20);
    await Bun.sleep(100);
    expect(await cloche('stop', 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
    expect(await running).toEqual({ code: 9, out: 'up\n', err: '' });
  }
}, 30_000);

test('wait gives the exit code of one that removes itself', async () => {
  await cloche(
    'run',
    '-d',
    '--rm',
    '--name',
    'box',
    '--network',
    'none',
    image,
    'sh',
    '-c',
    'sleep 1; exit 6',
  );
  expect(await cloche('wait', 'box')).toEqual({ code: 0, out: '6\n', err: '' });
});

test('cp takes files, directories and links out of a container, and puts them into one', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
  const here = (name: string) => join(scratch, name);
  const script =
    'mkdir -m 700 /d; echo 1 > /d/a; chmod 640 /d/a; ln -s a /d/l; ln -s /etc/hostname /out; mkdir /d/e; exec sleep 100';
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  expect(await cloche('cp', 'box:/d', here('new'))).toEqual({ code: 0, out: '', err: '' });
  expect(statSync(here('new')).mode & 0o7777).toBe(0o700);
  expect(statSync(here('new/a')).mode & 0o7777).toBe(0o640);
  expect([readlinkSync(here('new/l')), statSync(here('new/e')).isDirectory()]).toEqual(['a', true]);
  await cloche('cp', 'box:/d', here('new'));
  await cloche('cp', 'box:/d/.', scratch);
  expect(readFileSync(here('new/d/a'), 'utf8') + readFileSync(here('a'), 'utf8')).toBe('1\n1\n');
  await cloche('cp', 'box:/out', here('link'));
  expect(readlinkSync(here('link'))).toBe('/etc/hostname');
  await cloche('cp', 'box:/etc/os-release', here('a'));
  await cloche('cp', '-L', 'box:/etc/os-release', here('b'));
  expect(readFileSync(here('b'), 'utf8')).toContain('Debian');
  expect((await cloche('cp', here('b'), 'box:/')).err).toContain(
    "cannot copy into 'box': it is running",
  );
  await cloche('stop', '-t', '0', 'box');
  expect((await cloche('cp', here('new'), 'box:/d')).code).toBe(0);
  expect((await cloche('cp', here('b'), 'box:/d/a')).code).toBe(0);
  const diff = (await cloche('diff', 'box')).out.split('\n');
  for (const line of ['A /d/a', 'A /d/new', 'A /d/new/d/a']) expect(diff).toContain(line);
  await cloche('cp', 'box:/d/a', here('back'));
  expect(readFileSync(here('back'), 'utf8')).toContain('Debian');
  for (const [args, says] of [
    [['box:/nope', scratch], 'could not find the file /nope in container box'],
    [['box:/d/a', here('no/where')], 'could not find the file'],
    [[here('new'), 'box:/d/a'], 'cannot copy directory'],
    [['box:/d', 'box:/e'], 'copying between containers is not supported'],
    [['a', 'b'], 'must specify at least one container source'],
    [['none:/a', scratch], 'no such container: none'],
  ] as const) {
    const { code, err } = await cloche('cp', ...args);
    expect(code).toBe(1);
    expect(err).toContain(says);
  }
  rmSync(scratch, { recursive: true });
  await cloche('rm', 'box');
}, 30_000);

test('cp follows no link of a container out of it', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'cloche-cp-'));
  await run('box', 'sh', '-c', `ln -s ${scratch} /trap; ln -s ../../../../../../etc/passwd /up`);
  await cloche('wait', 'box');
  await cloche('cp', '-L', 'box:/up', join(scratch, 'passwd'));
  expect(readFileSync(join(scratch, 'passwd'), 'utf8')).not.toBe(
    readFileSync('/etc/passwd', 'utf8'),
  );
  const { code, err } = await cloche('cp', '/etc/hostname', 'box:/trap/x');
  expect([code, err]).toEqual([1, expect.stringContaining('could not find the file')]);
  expect(readdirSync(scratch)).toEqual(['passwd']);
  rmSync(scratch, { recursive: true });
  await cloche('rm', 'box');
});

test('create makes a container that waits, also for --rm, until start runs it', async () => {
  const script = 'echo made; exit 8';
  const made = await cloche(
    'create',
    '--rm',
    '--name',
    'box',
    '--network',
    'none',
    image,
    'sh',
    '-c',
    script,
  );
  expect(made).toEqual({ code: 0, out: expect.stringMatching(/^[0-9a-f]{64}\n$/), err: '' });
  expect((await cloche('ps', '-a', '--format', '{{.Names}} {{.Status}}')).out).toBe(
    'box Created\n',
  );
  expect((await cloche('wait', 'box')).out).toBe('0\n');
  expect((await cloche('logs', 'box')).out).toBe('');
  expect(await cloche('start', '-a', 'box')).toEqual({ code: 8, out: 'made\n', err: '' });
  expect((await cloche('create', 'no/such/image')).code).toBe(1);
});
