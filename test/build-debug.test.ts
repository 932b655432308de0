import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche, PROGRAM } from './cli.ts';

/** `build --debug`: a RUN that fails, and a shell in what it left. */
let root = '';
let remove = () => {};
let contexts = 0;

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

function contextOf(...lines: string[]): string {
  const context = join(root, `context-${contexts++}`);
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), ['FROM debian:bookworm', ...lines].join('\n'));
  return context;
}

/** A build in a terminal of its own (a pty). */
function atTerminal(...args: string[]) {
  let seen = '';
  const decoder = new TextDecoder();
  const child = Bun.spawn([PROGRAM, 'build', '--network=none', ...args], {
    env: { ...process.env, CLOCHE_ROOT: root, NO_COLOR: '1', TERM: 'xterm' },
    terminal: {
      cols: 120,
      rows: 40,
      data: (_, bytes) => {
        seen = Bun.stripANSI(seen + decoder.decode(bytes, { stream: true })).replace(
          /\r+\n/g,
          '\n',
        );
      },
    },
  });
  const until = async (text: string | RegExp) => {
    const holds = () => (typeof text === 'string' ? seen.includes(text) : text.test(seen));
    for (let i = 0; i < 400 && !holds() && child.exitCode === null; i++) await Bun.sleep(25);
    if (!holds()) throw new Error(`never saw ${text} in:\n${seen}`);
  };
  return { child, until, type: (line: string) => child.terminal?.write(line), screen: () => seen };
}

/** Nothing of a build that has ended. */
function expectNothingLeft(): void {
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  const active = readdirSync(join(root, 'snapshots')).filter((name) => name.startsWith('active'));
  expect(active).toEqual([]);
}

const FAILING = [
  'ENV COLOUR=green',
  'RUN useradd -m -u 1234 learner',
  'WORKDIR /home/learner',
  'USER learner',
  'RUN --mount=type=bind,target=/ctx,rw --mount=type=secret,id=s,uid=1234 echo half > done; echo way > /ctx/new; exit 7',
];

test('a RUN that fails at a terminal opens a shell in its state, and then the build fails', async () => {
  const context = contextOf(...FAILING);
  chmodSync(context, 0o777);
  writeFileSync(`${context}/key`, 'hush\n', { mode: 0o600 });
  const build = atTerminal('--debug', '--secret', `id=s,src=${context}/key`, context);
  await build.until('the build ends when you leave it');
  await build.until(/\$ $/);
  build.type(
    `stty size; echo "at $PWD of $(id -un) in $COLOUR with $(cat done /ctx/new /run/secrets/s)"\r`,
  );
  await build.until('at /home/learner of learner in green with half\nway\nhush\n');
  expect(build.screen()).toContain('40 120');
  build.type('readlink /proc/self/fd/0; exit 3\r');
  expect(await build.child.exited).toBe(1);
  expect(build.screen()).toContain('\n/dev/pts/0\n');
  expect(build.screen()).toContain('exit code: 7');
  expect(build.screen()).not.toContain('--debug opens a shell');
  expectNothingLeft();
}, 60_000);

test('what is typed is for the shell alone: Ctrl-C interrupts its program and not the build', async () => {
  const build = atTerminal('--debug', '--progress=plain', contextOf('RUN false'));
  await build.until(/# $/);
  build.type('sleep 60\r');
  await build.until('sleep 60\n');
  await Bun.sleep(200);
  build.type('\x03');
  await build.until(/\^C\n(.*\n)?.*# $/);
  build.type('echo al""ive; exit\r');
  await build.until('alive\n');
  expect(await build.child.exited).toBe(1);
  expect(build.screen()).not.toContain('interrupted');
  expectNothingLeft();
}, 60_000);

test('a program that is not there opens one too', async () => {
  const build = atTerminal('--debug', contextOf('RUN ["/nowhere/program"]'));
  await build.until(/# $/);
  build.type('cat /etc/debian_version; exit\r');
  await build.until(/12\.\d+\n/);
  expect(await build.child.exited).toBe(1);
  expect(build.screen()).toContain('stat /nowhere/program: no such file or directory');
}, 60_000);

test('SIGTERM ends the shell and the build, and nothing is left', async () => {
  const build = atTerminal('--debug', contextOf('RUN false'));
  await build.until(/# $/);
  build.child.kill('SIGTERM');
  await build.until('the build was interrupted');
  expect(await build.child.exited).toBe(1);
  expectNothingLeft();
}, 60_000);

test('two that fail at once are shown one: the first ends the build', async () => {
  const context = join(root, 'two');
  mkdirSync(context);
  const dockerfile = `FROM debian:bookworm AS a
RUN sleep 0.3; echo a > /which; exit 4
FROM debian:bookworm AS b
RUN sleep 0.3; echo b > /which; exit 5
FROM scratch
COPY --from=a / /
COPY --from=b / /`;
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const build = atTerminal('--debug', context);
  await build.until(/# $/);
  await Bun.sleep(500);
  build.type('cat /which; exit\r');
  expect(await build.child.exited).toBe(1);
  expect(build.screen().split('the build ends when you leave it')).toHaveLength(2);
  expectNothingLeft();
}, 60_000);

test('without a terminal it is refused; with -i the shell reads standard input', async () => {
  const context = contextOf('RUN echo half > /done; exit 7');
  const refused = await cloche(root, ['build', '--debug', context]);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('the input device is not a TTY');
  expect(refused.err).toContain('-i');
  const flags = ['build', '--network=none', '--debug', '-i', context];
  const read = await cloche(root, flags, 'cat /done\nexit 9\n');
  expect([read.code, read.out]).toEqual([1, 'half\n']);
});

test('where there is no shell that is said, and why the build failed too', async () => {
  const context = join(root, 'shellless');
  mkdirSync(context);
  const dockerfile = 'FROM scratch\nCOPY Dockerfile /\nRUN ["/program"]';
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  const { code, err } = await cloche(root, ['build', '--network=none', '--debug', '-i', context]);
  expect(code).toBe(1);
  expect(err).toContain('there is no shell in there: /bin/bash, /bin/sh, /busybox/sh');
  expect(err).toContain('cloche: Dockerfile:3:1: exec: "/program": stat /program: no such file');
});

test('without --debug the hint says how', async () => {
  const { err } = await cloche(root, ['build', '--network=none', contextOf('RUN exit 7')]);
  expect(err).toContain('cloche build --debug opens a shell in that very state.');
});
