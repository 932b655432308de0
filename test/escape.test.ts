import { afterAll, beforeAll, expect, test } from 'bun:test';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { launch } from '../src/linux/launch-plan.ts';
import { call, flags, plan, text } from '../src/linux/plan/index.ts';
import { dockerSpec } from '../src/runtime/testing.ts';
import { type Attacks, openAttacks, type Stage, shell } from './attacks.ts';
import { BASE_TIMEOUT } from './base.ts';

/**
 * Nothing gets out: attacks that have worked on other engines, each really tried, each named after its
 * advisory. On the host there is always a canary that would sing.
 */
let attacks: Attacks;
beforeAll(async () => {
  attacks = await openAttacks();
}, BASE_TIMEOUT);
afterAll(() => attacks.remove());

const run = (...args: string[]) => attacks.cloche(['run', '--rm', '--network', 'none', ...args]);

test('CVE-2019-19921: a /proc that is a link is followed inside the root only', async () => {
  const at = attacks.stage('19921');
  symlinkSync(`../../../../../../..${at.canary}`, join(at.hostile, 'proc'));
  mkdirSync(join(at.hostile, at.canary), { recursive: true });
  const { code, out } = await attacks.contain(
    at,
    shell(`ls -d ${at.canary}/self; cat /proc/self/comm`),
  );
  expect({ code, out }).toEqual({ code: 0, out: `${at.canary}/self\ncat\n` });
  expect(readdirSync(at.canary)).toEqual([]);
  // A link to where nothing is inside of the root is refused, and nothing is made on either side.
  const other = attacks.stage('19921-dangling');
  symlinkSync(`../../../../../../..${other.canary}`, join(other.hostile, 'proc'));
  expect(await attacks.contain(other, { args: ['true'] })).toMatchObject({ code: undefined });
  expect(existsSync(join(other.upper, other.canary))).toBe(false);
});

test('CVE-2021-30465: a mount point that is exchanged for a link while it is mounted stays inside', async () => {
  const at = attacks.stage('30465');
  // A volume of the attacker's other container, in which both names are always there and what they mean
  // changes all the time. In a layer of the overlay the kernel would remember what it had found first.
  const [volume, source] = [join(at.hostile, '../volume'), join(at.hostile, '../source')];
  const [inner, link] = [join(volume, 'inner'), join(volume, 'link')];
  for (const path of [inner, source]) mkdirSync(path, { recursive: true });
  symlinkSync(`/../../../../../../../..${at.canary}`, link);
  const mounts = [
    ...(dockerSpec({}).mounts ?? []),
    { destination: '/volume', type: 'bind', source: volume, options: ['rbind'] },
    { destination: '/volume/inner/deep', type: 'bind', source, options: ['rbind'] },
  ];
  const directory = openSync(inner, 'r');
  const race = exchangeForever(inner, link);
  const codes = new Set<bigint | number | undefined>();
  try {
    for (let i = 0; i < 40; i++) {
      codes.add((await attacks.contain(at, { args: ['true'] }, { mounts })).code);
      // What one round has made would be the next one's mount point, and no race any more.
      rmSync(`/proc/self/fd/${directory}/deep`, { recursive: true, force: true });
      for (const path of [at.upper, at.work]) {
        rmSync(path, { recursive: true, force: true });
        mkdirSync(path);
      }
    }
  } finally {
    process.kill(race.pid, 'SIGKILL');
    await race.exited;
    race.close();
    closeSync(directory);
  }
  expect(readdirSync(at.canary)).toEqual([]);
  // Sometimes it met the directory, sometimes the link, which leads nowhere in there.
  expect(codes).toEqual(new Set([0, undefined]));
}, 60_000);

/** A walker that exchanges two names, some hundred thousand times a second, until it is killed. */
function exchangeForever(one: string, other: string) {
  const RENAME_EXCHANGE = 2;
  const args = [flags('AT_FDCWD'), text(one), flags('AT_FDCWD'), text(other), RENAME_EXCHANGE];
  const again = { name: 'again' };
  const exchange = call('renameat2', args, 'each is the other now', {
    label: again,
    jump: { on: 'zero', to: again },
  });
  return launch(plan('exchange', [exchange]), { stdio: ['ignore', 'ignore', 'ignore'] });
}

test('CVE-2022-0492: nobody inside can mount a cgroup filesystem and set a release_agent', async () => {
  const agent = 'mount -t cgroup -o memory cgroup /mnt && echo /evil > /mnt/release_agent';
  for (const attempt of [agent, `unshare -UrmC sh -c '${agent}'`]) {
    const { code, err } = await run('debian:bookworm', 'sh', '-c', attempt);
    expect(code).not.toBe(0);
    expect(err).toMatch(/permission denied|Operation not permitted/i);
  }
});

test('CVE-2025-31133: a replaced /dev/null is not what masks a path', async () => {
  const at = attacks.stage('31133');
  mkdirSync(join(at.hostile, 'dev'));
  writeFileSync(join(at.hostile, 'loot'), 'loot');
  symlinkSync('/loot', join(at.hostile, 'dev/null'));
  const mounts = (dockerSpec({}).mounts ?? []).filter(
    ({ destination }) => !destination.startsWith('/dev'),
  );
  const { out } = await attacks.contain(
    at,
    shell('stat -c %t:%T /proc/keys; cat /proc/keys | wc -c'),
    {
      mounts,
    },
  );
  expect(out).toBe('1:3\n0\n');
});

/** Mounts without those in /dev, which is then the image's own. */
function mountsOf(devpts: string) {
  const mounts = (dockerSpec({}).mounts ?? []).filter(
    ({ destination, type }) => !destination.startsWith('/dev') || type === 'devpts',
  );
  return mounts.map((one) => (one.type === 'devpts' ? { ...one, destination: devpts } : one));
}

/** What the script says in a container with a terminal; into a file, for the terminal may be anywhere. */
async function inTerminal(at: Stage, script: string, devpts: string) {
  const process = { ...shell(`( ${script} ) > /said 2>&1`), terminal: true };
  const { code } = await attacks.contain(at, process, { mounts: mountsOf(devpts) });
  return { code, said: readFileSync(join(at.upper, 'said'), 'utf8') };
}

test('CVE-2025-52565: a /dev/console that is a link is followed inside of the root', async () => {
  const at = attacks.stage('52565');
  const target = join(at.canary, 'console');
  for (const path of [join(at.hostile, at.canary), join(at.hostile, 'dev')])
    mkdirSync(path, { recursive: true });
  for (const path of [target, join(at.hostile, target)]) writeFileSync(path, 'untouched');
  symlinkSync(`/../../../../../../..${target}`, join(at.hostile, 'dev/console'));
  const script = `grep ' ${target} ' /proc/self/mountinfo | cut -d' ' -f4,5; stat -Lc %F /dev/console`;
  expect(await inTerminal(at, script, '/dev/pts')).toEqual({
    code: 0,
    said: `/0 ${target}\ncharacter special file\n`,
  });
  expect(readFileSync(target, 'utf8')).toBe('untouched');
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(at.canary);
});

test('CVE-2025-52565: a /dev/pts/0 that is a link is not what the terminal is', async () => {
  const at = attacks.stage('52565-pts');
  mkdirSync(join(at.hostile, 'dev/pts'), { recursive: true });
  writeFileSync(join(at.hostile, 'loot'), 'loot');
  for (const [name, target] of [
    ['ptmx', '/real/ptmx'],
    ['0', '/loot'],
  ] as const)
    symlinkSync(target, join(at.hostile, 'dev/pts', name));
  const script =
    "for i in 0 1 2; do stat -Lc '%F %t:%T' /proc/self/fd/$i < /dev/console; done; grep ' /dev/console ' /proc/self/mountinfo | cut -d' ' -f4,9; cat /loot";
  const { code, said } = await inTerminal(at, script, '/real');
  expect(code).toBe(0);
  expect(said).toStartWith('character special file 88:0\n');
  expect(said).toEndWith('/0 devpts\nloot');
});

test('CVE-2025-52881: kernel parameters are written to the real /proc, whatever lies there', async () => {
  const at = attacks.stage('52881');
  const fake = join(attacks.scratch, '52881', 'fake');
  mkdirSync(join(fake, 'sys/kernel'), { recursive: true });
  writeFileSync(join(fake, 'sys/kernel/domainname'), 'fake');
  const spec = dockerSpec(shell('cat /proc/sys/kernel/domainname; domainname 2>/dev/null || true'));
  const mounts = (spec.mounts ?? []).map((mount) =>
    mount.destination === '/proc'
      ? { destination: '/proc', type: 'bind', source: fake, options: ['rbind'] }
      : mount,
  );
  const linux = {
    ...spec.linux,
    sysctl: { 'kernel.domainname': 'glass.example' },
    maskedPaths: [],
    readonlyPaths: [],
  };
  // The fake is what the container reads; the kernel's own parameter is what was set.
  const { code, out } = await attacks.contain(at, spec.process ?? {}, { mounts, linux });
  expect({ code, out }).toEqual({ code: 0, out: 'fakeglass.example\n' });
  expect(readFileSync(join(fake, 'sys/kernel/domainname'), 'utf8')).toBe('fake');
});

test('a node for the disk of the host can be made inside, and not opened', async () => {
  const { rdev } = statSync(diskOfTheHost());
  const number = `${(rdev >> 8) & 0xfff} ${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`;
  const script = `mknod /disk b ${number} && mknod /any c 1 9 && head -c 1 /any | wc -c; head -c 1 /disk`;
  const { code, out, err } = await run('debian:bookworm', 'sh', '-c', script);
  expect({ code, out }).toEqual({ code: 1, out: '1\n' });
  expect(err).toContain("cannot open '/disk' for reading: Operation not permitted");
});

/** Some block device that there is; every machine has one. */
function diskOfTheHost(): string {
  const [name] = readdirSync('/dev').filter((name) => statSync(`/dev/${name}`).isBlockDevice());
  return `/dev/${name}`;
}
