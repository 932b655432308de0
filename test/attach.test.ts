import { expect, test } from 'bun:test';
import { PROGRAM } from './cli.ts';
import { containerScene, IMAGE } from './containers.ts';

/** `cloche attach`; each test removes its own containers. */
const { root, cloche, run } = containerScene();

const withInput = (name: string, flags: string, ...command: string[]) =>
  cloche('run', flags, '--network', 'none', '--name', name, IMAGE, ...command);

/** A command at a terminal of its own, of 90 columns and 20 rows. */
function atTerminal(...args: string[]) {
  let screen = '';
  const child = Bun.spawn([PROGRAM, ...args], {
    env: { ...process.env, CLOCHE_ROOT: root(), TERM: 'xterm' },
    terminal: {
      cols: 90,
      rows: 20,
      data: (_, bytes) => {
        screen += new TextDecoder().decode(bytes);
      },
    },
  });
  return {
    exited: child.exited,
    resize: (columns: number, rows: number) => child.terminal?.resize(columns, rows),
    type: (keys: string) => child.terminal?.write(keys),
    async until(what: string) {
      for (const end = Date.now() + 20_000; !screen.includes(what); await Bun.sleep(20))
        if (Date.now() > end) throw new Error(`'${what}' did not appear in: ${screen}`);
    },
  };
}

test('attach prints what comes, hands on signals, and ends as it ends', async () => {
  const script = 'trap "echo heard; exit 7" INT; echo before; while :; do sleep 0.05; done';
  await run('talker', 'sh', '-c', script);
  await Bun.sleep(200);
  const attached = cloche('attach', 'talker');
  const interrupted = Bun.sleep(600).then(() => cloche('kill', '-s', 'INT', 'talker'));
  const { code, out, err } = await attached;
  await interrupted;
  expect([code, out, err]).toEqual([7, 'heard\n', '']);
  const ended = await cloche('attach', 'talker');
  expect([ended.code, ended.err]).toEqual([
    1,
    expect.stringContaining('cannot attach to a stopped container'),
  ]);
  await cloche('rm', 'talker');
});

test('attach: Ctrl-C goes to the container', async () => {
  await run('quiet', 'sh', '-c', 'trap "exit 3" INT; while :; do sleep 0.05; done');
  const env = { ...process.env, CLOCHE_ROOT: root() };
  const child = Bun.spawn([PROGRAM, 'attach', 'quiet'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  await Bun.sleep(600);
  child.kill('SIGINT');
  expect(await child.exited).toBe(3);
  await cloche('rm', 'quiet');
});

test('attach at a terminal types into it, tells it how large it is, and is left by ctrl-p ctrl-q', async () => {
  await withInput('box', '-dit', 'bash', '--norc');
  const first = atTerminal('attach', 'box');
  first.type('\n');
  await first.until('# ');
  first.type('stty size; echo $((6 * 7))\n');
  await first.until('20 90');
  await first.until('42\r');
  first.resize(70, 15);
  first.type('until stty size | grep 15.70; do sleep 0.1; done\n');
  await first.until('15 70');
  // Ctrl-C is for what runs inside, and one of the two keys is no end.
  first.type('echo a nap; sleep 1000\n');
  await first.until('a nap\r');
  first.type('\x03');
  await first.until('^C');
  first.type('\x10\x15echo still $((1 + 1))\n');
  await first.until('still 2');
  first.type('\x10\x11');
  await first.until('read escape sequence');
  expect(await first.exited).toBe(0);
  const second = atTerminal('attach', '--detach-keys', 'ctrl-x,x', 'box');
  second.type('echo $((40 + 3))\n');
  await second.until('43\r');
  second.type('\x18x');
  expect(await second.exited).toBe(0);
  expect((await cloche('ps', '--format', '{{.Names}}')).out).toBe('box\n');
  const third = atTerminal('start', '-ai', 'box');
  third.type('exit 7\n');
  expect(await third.exited).toBe(7);
  await cloche('rm', 'box');
}, 120_000);

test('without a terminal it is what standard input gives, of one after the other, and never its end', async () => {
  await withInput('box', '-di', 'sh', '-c', 'while read line; do echo "<$line>"; done');
  /** What it prints after this was typed, as much as is waited for. */
  const type = async (text: string, ...flags: string[]) => {
    const env = { ...process.env, CLOCHE_ROOT: root() };
    const child = Bun.spawn([PROGRAM, 'attach', ...flags, '--no-sig-proxy', 'box'], {
      env,
      stdio: [new Blob([text]), 'pipe', 'inherit'],
    });
    let [out, wanted] = ['', text.length + text.split('\n').length * 2 - 2];
    const patience = setTimeout(() => child.kill('SIGINT'), flags.length > 0 ? 700 : 20_000);
    for await (const piece of child.stdout) {
      out += new TextDecoder().decode(piece);
      if (out.length >= wanted) child.kill('SIGINT');
    }
    clearTimeout(patience);
    return out;
  };
  expect(await type('one\ntwo\n')).toBe('<one>\n<two>\n');
  expect(await type('three\n')).toBe('<three>\n');
  expect(await type('not this\n', '--no-stdin')).toBe('');
  expect(await type('x'.repeat(200_000).concat('\n'))).toBe(`<${'x'.repeat(200_000)}>\n`);
  await cloche('stop', '-t', '0', 'box');
  // Another life, the same way in.
  await cloche('start', 'box');
  expect(await type('four\n')).toBe('<four>\n');
  await cloche('rm', '-f', 'box');
}, 120_000);

test('attach needs a terminal where the container has one, and keys that there are', async () => {
  await withInput('box', '-dit', 'cat');
  const { code, err } = await cloche('attach', 'box');
  expect([code, err]).toEqual([1, expect.stringContaining('the input device is not a TTY')]);
  const keys = await cloche('attach', '--detach-keys', 'ctrl-?', 'box');
  expect([keys.code, keys.err]).toEqual([
    1,
    expect.stringContaining("Unknown character: 'ctrl-?'"),
  ]);
  await cloche('rm', '-f', 'box');
});
