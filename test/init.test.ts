import { expect, test } from 'bun:test';
import { PROGRAM } from './cli.ts';
import { containerScene, IMAGE } from './containers.ts';

/** `run --init`: a PID 1 of our own, as tini is docker's. */
const { root, cloche } = containerScene();

const inside = (script: string, ...flags: string[]) =>
  cloche('run', '--rm', '--network=none', '--init', ...flags, IMAGE, 'sh', '-c', script);

test('the program is the child of a PID 1 that has no more rights than it', async () => {
  const script =
    'cat /proc/1/comm; grep -hE "^(CapEff|CapBnd|Seccomp|Uid):" /proc/1/status /proc/$$/status';
  for (const flags of [[], ['-u', '1000'], ['--security-opt=no-new-privileges']]) {
    const { out } = await inside(script, ...flags);
    const [name, ...rights] = out.trimEnd().split('\n');
    expect(name).toBe('cloche-init');
    expect(rights).toHaveLength(8);
    expect(rights.slice(0, 4)).toEqual(rights.slice(4));
  }
});

test.each([
  ['exit 3', 3],
  ['true', 0],
  ['kill -KILL $$', 137],
  ['kill -TERM $$', 143],
  ['ulimit -c unlimited; kill -SEGV $$', 139],
])('it ends as the program ends: %s', async (script, code) => {
  expect((await inside(script)).code).toBe(code);
});

test.each([
  ['nope', 127, 'executable file not found in $PATH'],
  ['/bin/nope', 127, 'executable file not found in $PATH'],
  ['/etc/passwd', 126, 'permission denied'],
])('without a program %s it says why, and gives %i', async (program, code, says) => {
  const ran = await cloche('run', '--rm', '--network=none', '--init', IMAGE, program);
  expect([ran.code, ran.err]).toEqual([code, expect.stringContaining(says)]);
});

test('orphans are buried, many at once', async () => {
  const script = 'for i in $(seq 40); do (sleep 0.2 &); done; sleep 1; cat /proc/[0-9]*/stat';
  const { out } = await inside(script);
  expect(out.match(/\) Z /g)).toBeNull();
});

test('signals reach a program that would hear none as PID 1', async () => {
  const line = ['run', '-d', '--network=none', '--name', 'box'];
  await cloche(...line, '--init', IMAGE, 'sleep', '100');
  const began = performance.now();
  await cloche('stop', 'box');
  expect(performance.now() - began).toBeLessThan(3000);
  expect(
    (await cloche('inspect', '-f', '{{.State.ExitCode}} {{.HostConfig.Init}}', 'box')).out,
  ).toBe('143 true\n');
  await cloche('rm', 'box');
  const trap = 'trap "echo heard; exit 7" USR1; while :; do sleep 0.05; done';
  await cloche(...line, '--init', IMAGE, 'sh', '-c', trap);
  await Bun.sleep(300);
  await cloche('kill', '-s', 'USR1', 'box');
  expect((await cloche('wait', 'box')).out).toBe('7\n');
  expect((await cloche('logs', 'box')).out).toBe('heard\n');
  await cloche('rm', 'box');
});

test('at a terminal Ctrl-C is for the program, and job control is there', async () => {
  let seen = '';
  const words = ['run', '--rm', '-it', '--init', '--network=none', IMAGE, 'bash', '--norc'];
  const child = Bun.spawn([PROGRAM, ...words], {
    env: { ...process.env, CLOCHE_ROOT: root() },
    terminal: {
      cols: 80,
      rows: 24,
      data: (_, bytes) => {
        seen += new TextDecoder().decode(bytes);
      },
    },
  });
  const until = async (text: string) => {
    for (let i = 0; i < 500 && !seen.includes(text); i++) await Bun.sleep(10);
    expect(seen).toContain(text);
    seen = '';
  };
  await until('# ');
  child.terminal?.write('sleep 100\r');
  await Bun.sleep(300);
  child.terminal?.write('\x03');
  await until('^C');
  child.terminal?.write('echo code $?; sleep 1 & jobs; exit 5\r');
  await until('code 130');
  expect(await child.exited).toBe(5);
  expect(seen).not.toContain('no job control');
});

test('whoever may trace PID 1 finds nothing in it that the shim performs with the host’s rights', async () => {
  const script = "grep -o '/.*' /proc/1/maps | sort -u; ls -l /proc/1/fd | grep -o '/memfd.*'";
  const { out } = await inside(script, '--cap-add=SYS_PTRACE');
  const files = out.split('\n').filter((line) => line.startsWith('/'));
  expect(new Set(files)).toEqual(new Set(['/memfd:cloche-init (deleted)']));
});

test('--explain shows that PID 1 has a plan of its own', async () => {
  const { out } = await cloche(
    'run',
    '--rm',
    '--explain',
    '--init',
    '--network=none',
    IMAGE,
    'true',
  );
  expect(out).toContain('and a plan that is not shared with the shim');
  expect(out).toContain('become PID 1, which reaps and hands on signals');
});
