import { expect, test } from 'bun:test';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { PROGRAM } from './cli.ts';
import { containerScene, IMAGE } from './containers.ts';

/** From created to ended and back; each test removes its own containers. */
const { root, cloche, run } = containerScene();

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
  await cloche('run', '--name', 'front', '--network', 'none', IMAGE, 'echo', 'seen');
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

test('stop, restart, kill and rm take their containers side by side, and name them in order', async () => {
  const deaf = ['d1', 'd2', 'd3', 'd4'];
  for (const name of deaf) await run(name, 'sleep', '100');
  const took = async (...args: string[]) => {
    const started = Date.now();
    const ran = await cloche(...args);
    return { ...ran, seconds: (Date.now() - started) / 1000 };
  };
  const names = ['d3', 'd1', 'nope', 'd4', 'd2', 'd1'];
  const restarted = await took('restart', '-t', '1', ...names);
  const said = { code: 1, out: 'd3\nd1\nd4\nd2\nd1\n', err: expect.stringContaining('nope') };
  // One that is named twice is restarted twice.
  expect(restarted).toMatchObject({ ...said, seconds: expect.closeTo(2.5, 0) });
  expect((await cloche('ps', '-q')).out.match(/\n/g)).toHaveLength(4);
  const stopped = await took('stop', '-t', '1', ...names);
  expect(stopped).toMatchObject({ ...said, seconds: expect.closeTo(1.5, 0) });
  await cloche('start', ...deaf);
  expect((await took('kill', 'd2', 'd1')).out).toBe('d2\nd1\n');
  expect((await took('rm', '-f', ...deaf, 'd2')).out).toBe('d1\nd2\nd3\nd4\n');
}, 60_000);

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
  await cloche('run', '--name', 'box', '--network', 'none', IMAGE, 'sh', '-c', 'echo hi; sleep 1');
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
  const upper = (await cloche('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', 'box')).out.trim();
  const now = () => readFileSync(`${upper}/now`, 'utf8');
  while (!existsSync(`${upper}/now`)) await Bun.sleep(10);
  expect(await cloche('pause', 'box')).toEqual({ code: 0, out: 'box\n', err: '' });
  expect((await cloche('pause', 'box')).err).toContain('container box is already paused');
  expect((await cloche('inspect', '-f', '{{.State.Status}}', 'box')).out).toBe('paused\n');
  expect((await cloche('exec', 'box', 'true')).err).toContain('is paused');
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

test('one that somebody began to pause, and was killed at it, is removed all the same', async () => {
  const forks = 'f() { while :; do date; sleep 0.002; done; }; f & f & f & f & wait';
  await run('half', 'sh', '-c', forks);
  const id = (await cloche('inspect', '-f', '{{.Id}}', 'half')).out.trim();
  const tree = detectCgroups().of.freezer;
  const group = `${tree?.mountPoint}/cloche/${id}`;
  const state = `${group}/freezer.state`;
  if (tree?.version === 2) writeFileSync(`${group}/cgroup.freeze`, '1');
  // On v1 one in ten stays on its way; for `ps` it runs.
  for (let i = 0; tree?.version === 1 && i < 200; i++) {
    writeFileSync(state, 'FROZEN');
    await Bun.sleep(30);
    if (readFileSync(state, 'utf8') === 'FREEZING\n') break;
    writeFileSync(state, 'THAWED');
    await Bun.sleep(3);
  }
  expect(await cloche('rm', '-f', 'half')).toEqual({ code: 0, out: 'half\n', err: '' });
}, 30_000);

test('rename gives another name, none that is taken or is no name', async () => {
  await run('one', 'true');
  await run('two', 'true');
  await cloche('wait', 'one', 'two');
  expect((await cloche('rename', 'one', 'two')).err).toContain("name 'two' is already in use");
  expect((await cloche('rename', 'one', 'a/b')).err).toContain("invalid container name 'a/b'");
  expect((await cloche('rename', 'one', 'three')).code).toBe(0);
  expect((await cloche('rm', 'three', 'two')).out).toBe('three\ntwo\n');
});

test('wait of one with --rm in another terminal: both have its code', async () => {
  for (let i = 0; i < 5; i++) {
    const words = [
      'run',
      '--rm',
      '--name=box',
      '--network=none',
      IMAGE,
      'sh',
      '-c',
      'read _; exit 3',
    ];
    const env = { ...process.env, CLOCHE_ROOT: root() };
    const running = Bun.spawn([PROGRAM, ...words.toSpliced(1, 0, '-i')], { env, stdin: 'pipe' });
    while ((await cloche('ps', '-q')).out === '') await Bun.sleep(20);
    const waiting = cloche('wait', 'box');
    await Bun.sleep(200);
    running.stdin.write('\n');
    await running.stdin.end();
    expect(await waiting).toEqual({ code: 0, out: '3\n', err: '' });
    expect(await running.exited).toBe(3);
  }
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
      IMAGE,
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
    IMAGE,
    'sh',
    '-c',
    'sleep 1; exit 6',
  );
  expect(await cloche('wait', 'box')).toEqual({ code: 0, out: '6\n', err: '' });
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
    IMAGE,
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

test('rm -f and stop of what ends in that very moment have what they want', async () => {
  for (let i = 0; i < 6; i++) {
    await run('short', 'sleep', '0.15');
    const verb = i % 2 === 0 ? ['rm', '-f', 'short'] : ['stop', '-t', '5', 'short'];
    await Bun.sleep(60 + i * 15);
    const { code, err } = await cloche(...verb);
    expect([code, err]).toEqual([0, '']);
    if (i % 2 !== 0) await cloche('rm', 'short');
  }
});
