import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findImage, openStore, stackOf } from '../src/image/index.ts';
import { launch } from '../src/linux/launch.ts';
import { call, flags, plan, text } from '../src/linux/plan/index.ts';
import { installedWalker } from '../src/linux/walker/index.ts';
import { containerPlan, type Process, type Spec } from '../src/runtime/index.ts';
import { birthOf, dockerSpec } from '../src/runtime/testing.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

/**
 * Nothing gets out: attacks that have worked on other engines, each really tried, each named after its
 * advisory. On the host there is always a canary that would sing.
 */
const cloche = resolve(import.meta.dir, '../bin/cloche');
let root = '';
let base = '';
let scratch = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
  const store = openStore(root);
  base = stackOf(store, findImage(store, 'debian:bookworm')?.chainId)[0]?.directory ?? '';
  scratch = mkdtempSync(join(tmpdir(), 'cloche-escape-'));
}, BASE_TIMEOUT);

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  remove();
});

/** Directories of one attack: the image's hostile layer, what the container writes, the canary. */
function stage(name: string) {
  const at = (part: string) => {
    const path = join(scratch, name, part);
    mkdirSync(path, { recursive: true });
    return path;
  };
  return {
    hostile: at('hostile'),
    upper: at('upper'),
    work: at('work'),
    merged: at('merged'),
    canary: at('canary'),
  };
}

type Stage = ReturnType<typeof stage>;

function start(stage: Stage, spec: Spec) {
  const lower = [stage.hostile, base];
  const rootfs = {
    kind: 'overlay' as const,
    lower,
    upper: stage.upper,
    work: stage.work,
    at: stage.merged,
  };
  const birth = containerPlan(birthOf('escape', rootfs, spec, { bound: true }));
  return {
    birth,
    launched: launch(birth.plan, { stdio: ['ignore', 'pipe', 'pipe'], control: true }),
  };
}

async function contain(stage: Stage, process: Partial<Process>, change: Partial<Spec> = {}) {
  const { birth, launched } = start(stage, { ...dockerSpec(process), ...change });
  const [out, err] = await Promise.all(launched.output.map((one) => new Response(one).text()));
  await launched.exited;
  const failure = launched.memory.failure();
  const status = launched.memory.read(birth.pair.status)[1];
  launched.close();
  return { code: failure === undefined ? status : undefined, out: out ?? '', err: err ?? '' };
}

async function run(...args: string[]) {
  const child = Bun.spawn([cloche, 'run', '--rm', '--network', 'none', ...args], {
    env: { ...process.env, CLOCHE_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

const shell = (script: string) => ({ args: ['sh', '-c', script] });

test('CVE-2019-5736: a container that executes /proc/self/exe reaches a sealed copy of the walker', async () => {
  const name = `escape-${process.pid}`;
  const walker = installedIn(root);
  const before = hash(walker);
  const env = { ...process.env, CLOCHE_ROOT: root };
  // Opens every small program that it sees to read, and again through that fd to write.
  const attacker = `$| = 1; while (1) { opendir D, "/proc"; for (grep /^[0-9]+$/, readdir D) {
    next if $_ <= 1 || $_ == $$; open(my $f, "<", "/proc/$_/exe") or next; next if -s $f > 8192;
    print "reached ", -s $f, "\\n";
    for (1..200) { if (open(my $w, "+<", "/proc/self/fd/" . fileno $f)) {
      print defined syswrite($w, "pwned") ? "WROTE\\n" : "refused: $!\\n"; last } select(undef, undef, undef, 0.002) } } }`;
  const box = Bun.spawn(
    [
      cloche,
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
    await Bun.spawn([cloche, 'exec', name, '/evil'], { env, stdio: ['ignore', 'ignore', 'ignore'] })
      .exited;
  await Bun.spawn([cloche, 'rm', '-f', name], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    .exited;
  await reading;
  expect(seen).toContain('reached');
  expect(seen).toContain('refused: Operation not permitted');
  expect(seen).not.toContain('WROTE');
  expect(hash(walker)).toBe(before);
}, 60_000);

test('CVE-2019-19921: a /proc that is a link is followed inside the root only', async () => {
  const at = stage('19921');
  symlinkSync(`../../../../../../..${at.canary}`, join(at.hostile, 'proc'));
  mkdirSync(join(at.hostile, at.canary), { recursive: true });
  const { code, out } = await contain(at, shell(`ls -d ${at.canary}/self; cat /proc/self/comm`));
  expect({ code, out }).toEqual({ code: 0, out: `${at.canary}/self\ncat\n` });
  expect(readdirSync(at.canary)).toEqual([]);
  // A link to where nothing is inside of the root is refused, and nothing is made on either side.
  const other = stage('19921-dangling');
  symlinkSync(`../../../../../../..${other.canary}`, join(other.hostile, 'proc'));
  expect(await contain(other, { args: ['true'] })).toMatchObject({ code: undefined });
  expect(existsSync(join(other.upper, other.canary))).toBe(false);
});

test('CVE-2021-30465: a mount point that is exchanged for a link while it is mounted stays inside', async () => {
  const at = stage('30465');
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
      codes.add((await contain(at, { args: ['true'] }, { mounts })).code);
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

test('CVE-2024-21626: no descriptor of the host leads out by way of the working directory', async () => {
  for (let fd = 3; fd < 16; fd++) {
    const { code, out, err } = await run(
      '-w',
      `/proc/self/fd/${fd}`,
      'debian:bookworm',
      'cat',
      `../../../../..${scratch}/secret`,
    );
    expect([fd, code, out]).toEqual([fd, 125, '']);
    expect(err).toContain('working directory');
  }
  // ls itself opens the directory as 3.
  const { out } = await run('debian:bookworm', 'ls', '/proc/self/fd');
  expect(out.trim().split('\n')).toEqual(['0', '1', '2', '3']);
}, 60_000);

test('CVE-2025-31133: a replaced /dev/null is not what masks a path', async () => {
  const at = stage('31133');
  mkdirSync(join(at.hostile, 'dev'));
  writeFileSync(join(at.hostile, 'loot'), 'loot');
  symlinkSync('/loot', join(at.hostile, 'dev/null'));
  const mounts = (dockerSpec({}).mounts ?? []).filter(
    ({ destination }) => !destination.startsWith('/dev'),
  );
  const { out } = await contain(at, shell('stat -c %t:%T /proc/keys; cat /proc/keys | wc -c'), {
    mounts,
  });
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
  const { code } = await contain(at, process, { mounts: mountsOf(devpts) });
  return { code, said: readFileSync(join(at.upper, 'said'), 'utf8') };
}

test('CVE-2025-52565: a /dev/console that is a link is followed inside of the root', async () => {
  const at = stage('52565');
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
  const at = stage('52565-pts');
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
  const at = stage('52881');
  const fake = join(scratch, '52881', 'fake');
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
  const { code, out } = await contain(at, spec.process ?? {}, { mounts, linux });
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
