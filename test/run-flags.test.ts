import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectCgroups } from '../src/linux/cgroup/index.ts';
import { containerScene, IMAGE } from './containers.ts';

/** What docker's `run` can say beside the usual; each flag is looked for in the kernel. */
const { cloche } = containerScene();

const inside = (flags: readonly string[], script: string) =>
  cloche('run', '--rm', '--network=none', ...flags, IMAGE, 'sh', '-c', script);

test('-h is the host name, as with docker, and --help the help', async () => {
  expect(await inside(['-h', 'garden'], 'hostname')).toEqual({ code: 0, out: 'garden\n', err: '' });
  expect((await cloche('create', '--help')).out).toContain('-h, --hostname <name>');
});

test('switches have values, and --net is --network, as with docker', async () => {
  const made = await cloche('run', '--rm=false', '--name=kept', '--net', 'none', IMAGE, 'true');
  expect(made).toEqual({ code: 0, out: '', err: '' });
  const shown = await cloche('inspect', '-f', '{{.HostConfig.NetworkMode}}', 'kept');
  expect(shown.out).toBe('none\n');
  await cloche('rm', 'kept');
  const { out } = await inside(['--read-only=true'], 'touch /x 2>/dev/null || echo refused');
  expect(out).toBe('refused\n');
});

test('--read-only and --tmpfs: the image stays as it is, and what is in memory is as large as said', async () => {
  const flags = ['--read-only', '--tmpfs', '/run:size=1m,mode=700', '--mount', 'type=tmpfs,dst=/x'];
  const { out, err } = await inside(
    flags,
    'touch /made; touch /run/a /x/a; df -k --output=size /run | tail -n1; stat -c %a /run; grep -c " /x tmpfs .*noexec" /proc/mounts',
  );
  expect(out.split('\n').map((line) => line.trim())).toEqual(['1024', '700', '1', '']);
  expect(err).toContain("touch: cannot touch '/made': Read-only file system");
});

test('--env-file, --group-add, --sysctl, --security-opt and --oom-score-adj', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'cloche-flags-')), 'env');
  writeFileSync(file, '# not this\nA=1\n  B="two words"\nHOME\n');
  const flags = [
    ...['--env-file', file, '-e', 'A=2', '--group-add', 'www-data', '--group-add', '4711'],
    ...['--sysctl', 'net.ipv4.ip_forward=1', '--security-opt', 'no-new-privileges'],
    ...['--oom-score-adj', '500', '-u', '7:8'],
  ];
  const script =
    'echo $A $B; id -G; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status';
  const lines = ['2 "two words"', '8 33 4711', '1', '500', 'NoNewPrivs:\t1', 'Seccomp:\t2', ''];
  expect((await inside(flags, script)).out.split('\n')).toEqual(lines);
  const free = await inside(
    ['--security-opt', 'seccomp=unconfined'],
    'grep Seccomp: /proc/self/status',
  );
  expect(free.out).toBe('Seccomp:\t0\n');
  rmSync(join(file, '..'), { recursive: true });
});

test('--cpuset-cpus, --cpu-shares, --memory-reservation and --memory-swap are in the cgroup', async () => {
  const flags = ['--cpuset-cpus=0', '-c', '512', '--memory-reservation=10m', '-m', '64m'];
  const v1 = detectCgroups().of.memory?.version === 1;
  const script = v1
    ? 'cat cpu/cpu.shares cpuset/cpuset.cpus memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes'
    : 'cat cpu.weight cpuset.cpus memory.low memory.swap.max';
  const { out } = await inside([...flags, '--memory-swap=128m'], `cd /sys/fs/cgroup; ${script}`);
  const swap = v1 ? '134217728' : '67108864';
  expect(out.split('\n')).toEqual([v1 ? '512' : '59', '0', '10485760', swap, '']);
});

test('--device brings a device, with the rights that are said and no others', async () => {
  const script = 'ls /dev/mine; head -c 1 /dev/mine > /dev/null; echo x > /dev/mine';
  const { out, err } = await inside(['--device', '/dev/kmsg:/dev/mine:w'], script);
  expect(out).toBe('/dev/mine\n');
  expect(err).toContain("head: cannot open '/dev/mine' for reading: Operation not permitted");
  expect(err).not.toContain('cannot create');
});

test('--label, --stop-signal and --stop-timeout are kept, found and shown', async () => {
  const script = 'trap "exit 5" USR1; trap "" TERM; while :; do sleep 0.05; done';
  const flags = ['--label', 'app=web', '-l', 'plain', '--stop-signal=USR1', '--stop-timeout=5'];
  await cloche('run', '-d', '--network=none', '--name=kept', ...flags, IMAGE, 'sh', '-c', script);
  expect((await cloche('ps', '-q', '--filter', 'label=app=web')).out).not.toBe('');
  expect((await cloche('ps', '-q', '--filter', 'label=app=other')).out).toBe('');
  const format = '{{.Config.Labels.app}} {{json .Config.Labels.plain}} {{.Config.StopSignal}}';
  const shown = await cloche('inspect', '-f', format, 'kept');
  expect(shown.out).toBe('web "" USR1\n');
  await Bun.sleep(200);
  await cloche('stop', 'kept');
  expect((await cloche('inspect', '-f', '{{.State.ExitCode}}', 'kept')).out).toBe('5\n');
  await cloche('rm', 'kept');
});

test('--cidfile has the ID, and is nobody else’s', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-cid-'));
  const file = join(directory, 'cid');
  const { out } = await cloche('create', '--name=one', '--cidfile', file, IMAGE, 'true');
  expect(readFileSync(file, 'utf8')).toBe(out.trim());
  const second = await cloche('create', '--cidfile', file, IMAGE, 'true');
  expect([second.code, second.err]).toEqual([1, expect.stringContaining('container ID file')]);
  await cloche('rm', 'one');
  rmSync(directory, { recursive: true });
});

test('create gives 125 for flags that cannot be, and 1 for what is missing, as docker does', async () => {
  const wrong = await cloche('create', '--env-file', '/nowhere', IMAGE, 'true');
  expect([wrong.code, wrong.err]).toEqual([125, expect.stringContaining('open /nowhere: no such')]);
  expect((await cloche('create', 'no/such/image')).code).toBe(1);
});

test.each([
  [['--env-file', '/nowhere'], 'open /nowhere: no such file or directory'],
  [['--device', '/dev/nowhere'], 'adding custom device "/dev/nowhere": no such file or directory'],
  [['--device', '/etc/passwd'], 'it is no device node'],
  [['--group-add', 'nobody-knows'], 'unable to find group nobody-knows'],
  [['--tmpfs', 'relative'], "invalid mount path: 'relative'"],
  [['--mount', 'type=bind,target=/x'], 'type=bind needs source=/'],
  [['--mount', 'type=bind,src=/nowhere,dst=/x'], 'bind source path does not exist: /nowhere'],
  [['--mount', 'type=nfs,target=/x'], "there are bind, volume and tmpfs, and no 'nfs'"],
  [['--mount', 'where=/x'], "unexpected key 'where'"],
  [['--security-opt', 'apparmor=x'], 'there are no-new-privileges and seccomp=unconfined'],
  [['--sysctl', 'net.no.such=1'], 'net/no/such'],
  [
    ['--sysctl', 'vm.swappiness=60'],
    'sysctl "vm.swappiness" is not in a separate kernel namespace',
  ],
  [['--sysctl', 'kernel/panic=0'], 'is not in a separate kernel namespace'],
  [['--network=host', '--sysctl', 'net.ipv4.ip_forward=1'], "not allowed in the host's network"],
  [['--stop-signal', 'NOPE'], 'NOPE'],
  [['--label', '=x'], 'it looks like key=value'],
])('run %p is refused with 125', async (flags, message) => {
  const { code, err } = await inside(flags, 'true');
  expect([code, err]).toEqual([125, expect.stringContaining(message)]);
  expect(existsSync('/nowhere')).toBe(false);
});
