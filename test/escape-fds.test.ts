import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedWalker } from '../src/linux/walker/index.ts';
import { type Attacks, openAttacks, shell } from './attacks.ts';
import { BASE_TIMEOUT } from './base.ts';
import { PROGRAM } from './cli.ts';

/**
 * Nothing gets out by what is open: attacks by way of /proc/self/exe and /proc/self/fd that have worked on
 * other engines, each really tried, each named after its advisory.
 */
let attacks: Attacks;
beforeAll(async () => {
  attacks = await openAttacks();
}, BASE_TIMEOUT);
afterAll(() => attacks.remove());

test('CVE-2019-5736: a container that executes /proc/self/exe reaches a sealed copy of the walker', async () => {
  const name = `escape-${process.pid}`;
  const walker = installedIn(attacks.root);
  const before = hash(walker);
  const env = { ...process.env, CLOCHE_ROOT: attacks.root };
  // Opens every small program that it sees to read, and again through that fd to write.
  const attacker = `$| = 1; while (1) { opendir D, "/proc"; for (grep /^[0-9]+$/, readdir D) {
    next if $_ <= 1 || $_ == $$; open(my $f, "<", "/proc/$_/exe") or next; next if -s $f > 8192;
    print "reached ", -s $f, "\\n";
    for (1..200) { if (open(my $w, "+<", "/proc/self/fd/" . fileno $f)) {
      print defined syswrite($w, "pwned") ? "WROTE\\n" : "refused: $!\\n"; last } select(undef, undef, undef, 0.002) } } }`;
  const box = Bun.spawn(
    [
      PROGRAM,
      'run',
      '--rm',
      '--network',
      'none',
      '--name',
      name,
      'debian:bookworm',
      'sh',
      '-c',
      'printf "#!/proc/self/exe\\n" > /evil; chmod +x /evil; exec perl -e "$0"',
      attacker,
    ],
    { env, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let seen = '';
  const reading = (async () => {
    for await (const chunk of box.stdout) seen += new TextDecoder().decode(chunk);
  })();
  await Bun.sleep(500);
  for (let i = 0; i < 200 && !/refused|WROTE/.test(seen); i++)
    await Bun.spawn([PROGRAM, 'exec', name, '/evil'], {
      env,
      stdio: ['ignore', 'ignore', 'ignore'],
    }).exited;
  await Bun.spawn([PROGRAM, 'rm', '-f', name], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    .exited;
  await reading;
  expect(seen).toContain('reached');
  expect(seen).toContain('refused: Operation not permitted');
  expect(seen).not.toContain('WROTE');
  expect(hash(walker)).toBe(before);
}, 60_000);

/** Something of the host's that sings when it is read or executed, and all the ways to it from an fd. */
function singer(name: string) {
  const { canary } = attacks.stage(name);
  const song = join(canary, 'song');
  writeFileSync(song, '#!/bin/sh\necho sang\n', { mode: 0o755 });
  const up = '/../../../../../../../..';
  const fds = Array.from({ length: 18 }, (_, fd) => `/proc/self/fd/${fd}`);
  return { canary, song, fds, ways: fds.flatMap((fd) => [`${fd}${up}${song}`, `${fd}/song`]) };
}

/** The command, called by somebody who leaks the directory to us, as fds 3 to 8. */
async function leaked(directory: string, ...args: string[]) {
  const fd = openSync(directory, 'r');
  try {
    return await attacks.cloche(args, [fd, fd, fd, fd, fd, fd]);
  } finally {
    closeSync(fd);
  }
}

test('CVE-2024-21626: no descriptor of the host leads out by way of the working directory', async () => {
  const { canary, song, fds } = singer('21626-cwd');
  const [start, read] = [['run', '--rm', '--network', 'none'], `cat song ../../../../../..${song}`];
  for (const fd of fds.slice(3)) {
    const run = await leaked(canary, ...start, '-w', fd, 'debian:bookworm', 'sh', '-c', read);
    expect([fd, run.code, run.out]).toEqual([fd, 125, '']);
    expect(run.err).toContain('working directory');
  }
  // ls itself opens the directory as 3.
  const { out } = await leaked(canary, ...start, 'debian:bookworm', 'ls', '/proc/self/fd');
  expect(out.trim().split('\n')).toEqual(['0', '1', '2', '3']);
}, 60_000);

test('CVE-2024-21626: nor by a working directory that is a link, of a container and of exec in one', async () => {
  const { canary, song, fds } = singer('21626-link');
  const at = attacks.stage('21626-link');
  for (const [i, fd] of fds.entries()) symlinkSync(fd, join(at.hostile, `way-${i}`));
  const read = shell(`cat song ../../../../../..${song}`);
  for (const i of fds.keys())
    expect(await attacks.contain(at, { ...read, cwd: `/way-${i}` })).toMatchObject({ out: '' });
  const name = `escape-cwd-${process.pid}`;
  const links = fds.map((fd, i) => `ln -s ${fd} /way-${i}`).join('; ');
  const script = `${links}; touch /ready; exec sleep 1000`;
  const keep = ['run', '-d', '--network', 'none', '--name', name, 'debian:bookworm'];
  await leaked(canary, ...keep, 'sh', '-c', `${script}`);
  await leaked(canary, 'exec', name, 'sh', '-c', 'until test -e /ready; do sleep 0.01; done');
  for (const [i, fd] of fds.entries())
    for (const way of [fd, `/way-${i}`]) {
      const exec = await leaked(canary, 'exec', '-w', way, name, ...read.args);
      expect([way, exec.out]).toEqual([way, '']);
      expect(exec.code).not.toBe(0);
    }
  await leaked(canary, 'rm', '-f', name);
}, 60_000);

test('CVE-2024-21626: nor by a program that is named through one', async () => {
  const { canary, ways } = singer('21626-args');
  const name = `escape-args-${process.pid}`;
  const keep = ['run', '-d', '--network', 'none', '--name', name, 'debian:bookworm'];
  await leaked(canary, ...keep, 'sleep', '1000');
  for (const way of ways) {
    const at = attacks.stage('21626-args');
    expect(await attacks.contain(at, { args: [way] })).toMatchObject({ code: undefined, out: '' });
    const exec = await leaked(canary, 'exec', name, way);
    expect([way, exec.out, exec.code === 0]).toEqual([way, '', false]);
  }
  await leaked(canary, 'rm', '-f', name);
}, 60_000);

function installedIn(directory: string): string {
  const saved = process.env.CLOCHE_ROOT;
  process.env.CLOCHE_ROOT = directory;
  try {
    return installedWalker().path;
  } finally {
    if (saved === undefined) delete process.env.CLOCHE_ROOT;
    else process.env.CLOCHE_ROOT = saved;
  }
}

function hash(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
