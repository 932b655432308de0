import { expect, test } from 'bun:test';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { $ } from 'bun';
import { buildScene, output } from './builds.ts';
import { needTools } from './tools.ts';

const { root, context, build, layers, newLayers } = buildScene();

test('bind shows the context less what is ignored, read-only, and leaves no mount point', async () => {
  const before = layers();
  const { code, said } = await build(
    context(
      `FROM debian:bookworm
RUN --mount=target=/src ls -A /src /src/d; touch /src/x || cat /src/d/a; touch /made`,
      { 'd/a': 'A', 'd/b.log': 'B', secret: 'S', '.dockerignore': '*.log\n**/*.log\nsecret' },
    ),
  );
  expect(code).toBe(0);
  const lines = output(said);
  expect(lines).toContain('a');
  expect(lines).not.toContain('b.log');
  expect(lines).not.toContain('secret');
  expect(said).toContain('Read-only file system');
  expect(newLayers(before)).toEqual([['made']]);
});

test('bind without rw cannot write to what is mounted below the context', async () => {
  const directory = context(
    'FROM debian:bookworm\nRUN --mount=target=/m touch /m/sub/evil || ls /m/sub',
    { 'sub/hidden': '' },
  );
  const below = join(directory, 'sub');
  await $`mount -t tmpfs below ${below}`;
  try {
    writeFileSync(join(below, 'seen'), '');
    const { code, said } = await build(directory);
    expect(code).toBe(0);
    expect(said).toContain('Read-only file system');
    expect(output(said)).toContain('seen');
    expect(readdirSync(below)).toEqual(['seen']);
  } finally {
    await $`umount ${below}`;
  }
});

test('bind with rw forgets what is written; from= takes stages and single files', async () => {
  const directory = context(
    `FROM debian:bookworm AS made
RUN mkdir /out && echo one > /out/f && touch /etc/gone
RUN rm /etc/gone && echo two > /out/g
FROM debian:bookworm
RUN --mount=from=made,source=/out,target=/in,rw cat /in/f /in/g; echo new > /in/h; cat /in/h
RUN --mount=from=made,target=/all test ! -e /all/etc/gone && test -e /all/etc/passwd && test ! -e /in
RUN --mount=target=/one,source=file cat /one`,
    { file: 'single' },
  );
  const { code, said } = await build(directory);
  expect([code, output(said)]).toEqual([0, ['one', 'two', 'new', 'single']]);
  expect(existsSync(join(directory, 'h'))).toBe(false);
});

test('where a mount point was, and on what is mounted, times are exact', async () => {
  const directory = context(
    `FROM debian:bookworm
RUN mkdir /d && touch -d 2024-05-06T07:08:09.123456789Z /d
RUN --mount=type=tmpfs,target=/d/sub touch /d/file
RUN --mount=target=/m ls /d; stat -c %y /d /m`,
    { '.dockerignore': 'Dockerfile' },
  );
  await $`/usr/bin/touch -d 2024-05-06T07:08:09.987654321Z ${directory}`;
  const { said } = await build(directory);
  expect(output(said)).toEqual([
    ...['file', '2024-05-06 07:08:09.123456789 +0000', '2024-05-06 07:08:09.987654321 +0000'],
  ]);
});

test('what is mounted decides about the cache by its content', async () => {
  const directory = context(
    'FROM debian:bookworm\nRUN --mount=target=/one,source=file cat /one > /copy',
    { file: '1' },
  );
  await build(directory);
  expect((await build(directory)).said).toContain('CACHED');
  writeFileSync(join(directory, 'other'), 'does not matter');
  expect((await build(directory)).said).toContain('CACHED');
  writeFileSync(join(directory, 'file'), '2');
  expect((await build(directory)).said).not.toContain('CACHED');
});

test('a tmpfs has the size that was asked for', async () => {
  const { said } = await build(
    context('FROM debian:bookworm\nRUN --mount=type=tmpfs,target=/t,size=64k stat -f -c %T-%b /t'),
  );
  expect(output(said)).toEqual(['tmpfs-16']);
});

test('a secret is a file in memory or a variable, and never in the state directory', async () => {
  const directory = context(
    `FROM debian:bookworm
RUN --mount=type=secret,id=key --mount=type=secret,id=tok,env=TOKEN,required \\
  stat -c '%a %u %s' /run/secrets/key; stat -f -c %T /run/secrets/key; echo \${#TOKEN}; ls /run; \\
  grep -c ' /run/secrets/key ro,nosuid,nodev' /proc/self/mountinfo; echo x > /run/secrets/key; sleep 1`,
  );
  const file = join(root(), '..', `secret-${process.pid}`);
  const word = `hush-${crypto.randomUUID()}`;
  await Bun.write(file, word);
  const flags = [`--secret=id=key,src=${file}`, '--secret=id=tok,env=TOKEN_OF_TEST'];
  const building = build(directory, ...flags, '-t', 'secretive');
  const containing = (path: string) =>
    Bun.spawnSync(['grep', '-rlE', `${word}|hushed-token`, path]).stdout.toString();
  const inside = () => readdirSync(join(root(), 'tmp')).length > 0;
  for (let i = 0; i < 500 && !inside(); i++) await Bun.sleep(10);
  await Bun.sleep(300);
  expect([inside(), containing(join(root(), 'tmp'))]).toEqual([true, '']);
  const { code, said } = await building;
  await Bun.file(file).delete();
  const refused = '/bin/sh: 1: cannot create /run/secrets/key: Read-only file system';
  expect(code).toBe(0);
  expect(output(said)).toEqual(['400 0 41', 'tmpfs', '12', 'secrets', '1', refused]);
  expect(containing(root())).toBe('');
});

test('a required secret that was not given is named', async () => {
  const directory = context(
    'FROM debian:bookworm\nRUN --mount=type=secret,id=npmrc,required cat /run/secrets/npmrc',
  );
  const { code, said } = await build(directory);
  expect(code).toBe(1);
  expect(said).toContain('secret npmrc: not found');
  expect(said).toContain('--secret id=npmrc,src=FILE');
});

test('ssh leads to the agent under the wanted owner and mode', async () => {
  const path = `/tmp/cloche-agent-${process.pid}`;
  const agent = createServer((socket) => socket.end('hello from the agent\n'));
  await new Promise<void>((done) => agent.listen(path, done));
  const directory = context(
    `FROM debian:bookworm
RUN --mount=type=ssh,uid=5 stat -c '%F %u %a' $SSH_AUTH_SOCK; perl -MIO::Socket::UNIX -e 'print IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK})->getline'`,
  );
  const { said } = await build(directory, `--ssh=default=${path}`);
  agent.close();
  expect(output(said)).toEqual(['socket 5 600', 'hello from the agent']);
});

test('for keys an agent is started that knows them, and none is left', async () => {
  needTools('ssh-agent');
  // It asks for the identities, and counts them (draft-miller-ssh-agent, 3.5).
  const count = `use IO::Socket::UNIX; $s = IO::Socket::UNIX->new($ENV{SSH_AUTH_SOCK}); syswrite $s, pack("NC", 1, 11); sysread $s, $_, 9; print unpack("x5N"), " keys\\n"`;
  const directory = context(`FROM debian:bookworm\nRUN --mount=type=ssh perl -e '${count}'`);
  const key = (name: string, passphrase = '') => {
    const path = join(directory, name);
    const words = ['-q', '-t', 'ed25519', '-N', passphrase, '-f', path];
    expect(Bun.spawnSync(['ssh-keygen', ...words]).exitCode).toBe(0);
    // As git leaves it, and ssh-add would refuse it.
    chmodSync(path, 0o644);
    return path;
  };
  const flag = `--ssh=default=${key('one')},${key('two')}`;
  expect(output((await build(directory, flag)).said)).toEqual(['2 keys']);
  const { said } = await build(directory, `--ssh=default=${key('three', 'secret')}`);
  expect(said).toContain('three: it has a passphrase');
  expect(agentsOf(root())).toEqual([]);
});

/** Command lines of ssh-agents whose sockets are in a state directory. */
function agentsOf(directory: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    const file = `/proc/${pid}/cmdline`;
    if (!/^\d+$/.test(pid) || !existsSync(file)) return [];
    const line = readFileSync(file, 'utf8');
    return line.includes('ssh-agent') && line.includes(directory) ? [line] : [];
  });
}

test('security=insecure and network=host need --allow', async () => {
  const insecure = context(
    'FROM debian:bookworm\nRUN --security=insecure mount -t tmpfs none /mnt && echo mounted',
  );
  expect((await build(insecure)).said).toContain('security.insecure is not allowed');
  expect(output((await build(insecure, '--allow=security.insecure')).said)).toEqual(['mounted']);
  const host = context('FROM debian:bookworm\nRUN --network=host true');
  expect((await build(host)).said).toContain('network.host is not allowed');
  expect((await build(host, '--allow=network.host')).code).toBe(0);
});

test('in the state directory nothing is left by mounts', () => {
  expect(readdirSync(join(root(), 'tmp'))).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(root());
});
