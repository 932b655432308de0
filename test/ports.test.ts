import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import { needPrograms, type TestNetns, testNetns } from '../src/linux/netlink/namespace.fixture.ts';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as command, type Ran } from './cli.ts';

/**
 * Published ports, in a network namespace that plays the host: with a bridge of its own, and a
 * neighbour on a cable.
 */
const HOST = { 4: '198.51.100.1', 6: 'fd99::1' };
const NEIGHBOUR = { 4: '198.51.100.2', 6: 'fd99::2' };
const IMAGE = 'debian:bookworm';
setDefaultTimeout(60_000);

let host: TestNetns;
let neighbour: TestNetns;
let base: Awaited<ReturnType<typeof freshBaseRoot>>;

beforeAll(async () => {
  await needPrograms({ nft: 'nftables', ip: 'iproute2' });
  [base, host, neighbour] = await Promise.all([freshBaseRoot(), testNetns(), testNetns()]);
  await host.run(
    'ip',
    'link',
    'add',
    'cable',
    'type',
    'veth',
    'peer',
    'eth0',
    'netns',
    `${neighbour.pid}`,
  );
  for (const [netns, link, own] of [
    [host, 'cable', HOST],
    [neighbour, 'eth0', NEIGHBOUR],
  ] as const) {
    await netns.run('ip', 'link', 'set', 'lo', 'up');
    await netns.run('ip', 'link', 'set', link, 'up');
    await netns.run('ip', 'addr', 'add', `${own[4]}/24`, 'dev', link);
    await netns.run('ip', 'addr', 'add', `${own[6]}/64`, 'dev', link, 'nodad');
  }
}, BASE_TIMEOUT);

afterAll(async () => {
  await Promise.all([host.end(), neighbour.end()]);
  base.remove();
});

/** A command of ours on that host. */
function cloche(line: string, ...more: string[]): Promise<Ran> {
  return limited('-c unlimited', line, ...more);
}

/** The same, under a limit that `ulimit` sets. */
function limited(limit: string, line: string, ...more: string[]): Promise<Ran> {
  const before = ['bash', '-c', `ulimit ${limit} && exec "$@"`, '-'];
  const words = [...line.split(' '), ...more];
  return command(base.root, words, undefined, ['nsenter', `--net=${host.path}`, ...before]);
}

/** Says to everybody who they are, on port 80 of TCP and of UDP. */
const SERVER = `
  use IO::Socket::IP; use IO::Select;
  my %all = (LocalHost => "::", LocalPort => 80, V6Only => 0);
  my $tcp = IO::Socket::IP->new(%all, Listen => 5, ReuseAddr => 1) or die $!;
  my $udp = IO::Socket::IP->new(%all, Proto => "udp") or die $!;
  my $both = IO::Select->new($tcp, $udp);
  $| = 1;
  print "ready\\n";
  while (1) { for my $one ($both->can_read) {
    if ($one == $tcp) { my $c = $tcp->accept; print $c "you are ".$c->peerhost."\\n"; close $c }
    else { $udp->recv(my $data, 100); $udp->send("$data, you are ".$udp->peerhost."\\n") }
  } }`;

/** Starts the server with these flags, and waits for it. */
async function serve(name: string, flags: string): Promise<void> {
  const ran = await cloche(`run -d --name ${name} ${flags} ${IMAGE} perl -e`, SERVER);
  expect(ran).toMatchObject({ code: 0, err: '' });
  while (!(await cloche(`logs ${name}`)).out.includes('ready')) await Bun.sleep(20);
}

/** What is heard from that port, or why nothing is. */
async function ask(from: TestNetns, port: string, protocol = 'tcp'): Promise<string> {
  const [, address = '', number = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(port) ?? [];
  const talk = protocol === 'tcp' ? 'cat <&3' : 'printf hello >&3; head -n 1 <&3';
  const script = `exec 3<>/dev/${protocol}/${address}/${number} && ${talk}`;
  return from.run('timeout', '2', 'bash', '-c', script).then(
    (said) => said.trim().replace('::ffff:', ''),
    (error) => `nobody: ${error.message}`,
  );
}

const maps = async () => {
  const rules = await host.run('nft', 'list', 'ruleset');
  return (rules.match(/elements = \{[^}]*\}/g) ?? []).join('\n');
};

test('a port is reached by localhost, by an address, and by a neighbour, who is seen as who they are', async () => {
  await serve('web', '-p 8080:80 -p 8080:80/udp');
  expect(await ask(host, '127.0.0.1:8080')).toBe('you are 10.88.0.1');
  expect(await ask(host, `${HOST[4]}:8080`)).toBe(`you are ${HOST[4]}`);
  expect(await ask(neighbour, `${HOST[4]}:8080`)).toBe(`you are ${NEIGHBOUR[4]}`);
  expect(await ask(neighbour, `${HOST[4]}:8080`, 'udp')).toBe(`hello, you are ${NEIGHBOUR[4]}`);
  expect(await ask(host, '127.0.0.1:8080', 'udp')).toBe('hello, you are 10.88.0.1');
});

test('and the same by IPv6, ::1 by way of a process', async () => {
  expect(await ask(host, `[${HOST[6]}]:8080`)).toBe(`you are ${HOST[6]}`);
  expect(await ask(neighbour, `[${HOST[6]}]:8080`)).toBe(`you are ${NEIGHBOUR[6]}`);
  expect(await ask(neighbour, `[${HOST[6]}]:8080`, 'udp')).toBe(`hello, you are ${NEIGHBOUR[6]}`);
  expect(await ask(host, '[::1]:8080')).toBe('you are fd63:6c6f:6368:65::1');
});

test('::1 by UDP: each who asks is answered, in their own order, and nobody else', async () => {
  expect(await ask(host, '[::1]:8080', 'udp')).toBe('hello, you are fd63:6c6f:6368:65::1');
  await serve('named', '-p [::1]:8282:80/udp');
  // Six ask at once, each a hundred times, the last with as much as a datagram can hold.
  const asker = (port: number, name: string) => `
    my $s = IO::Socket::IP->new(PeerHost => "::1", PeerPort => ${port}, Proto => "udp") or die $@;
    my $answered = 0;
    for my $i (1..100) { for my $try (1..5) {
      $s->send("${name} $i"); my $ready = ""; vec($ready, fileno $s, 1) = 1;
      next unless select $ready, undef, undef, 0.5;
      $s->recv(my $said, 70000);
      die "not for us: $said" unless $said =~ /^${name} (\\d+), you are fd63/ && $1 <= $i;
      if ($1 == $i) { $answered++; last } } }
    print $answered`;
  const all = [8080, 8282, 8080, 8282, 8080, 8282].map((port, i) =>
    host.run('perl', '-MIO::Socket::IP', '-e', asker(port, `asker${i}`)),
  );
  expect(await Promise.all(all)).toEqual(['100', '100', '100', '100', '100', '100']);
  await cloche('rm -f named');
  expect(await ask(host, '[::1]:8282', 'udp')).toContain('nobody');
  expect((await host.run('sh', '-c', 'ss -Hulnp sport = :8282')).trim()).toBe('');
});

test('what goes by ::1 arrives whole, however many speak at once, and whoever hangs up early', async () => {
  const echo = `
    use IO::Socket::IP; $SIG{CHLD} = "IGNORE"; $| = 1;
    my $tcp = IO::Socket::IP->new(LocalHost => "::", LocalPort => 81, Listen => 5, V6Only => 0) or die $!;
    print "ready\n";
    while (1) { my $c = $tcp->accept or next; next if fork; close $tcp;
      while (sysread $c, my $data, 65536) { print $c $data } print $c "end"; exit }`;
  await cloche(`run -d --name echo -p [::1]:8181:81 ${IMAGE} perl -e`, echo);
  while (!(await cloche('logs echo')).out.includes('ready')) await Bun.sleep(20);
  const speak = (size: number) =>
    host.run(
      'perl',
      '-MIO::Socket::IP',
      '-e',
      `my $s = IO::Socket::IP->new(PeerHost => "::1", PeerPort => 8181) or die $@;
       if (!fork) { print $s "x" x ${size}; shutdown $s, 1; exit }
       my $all = ""; while (sysread $s, my $data, 65536) { $all .= $data } print length $all`,
    );
  const hangUp = () =>
    host.run('perl', '-MIO::Socket::IP', '-e', 'IO::Socket::IP->new("[::1]:8181") or die $@');
  const said = [speak(5_000_000), hangUp(), speak(1), hangUp(), speak(0), speak(3_000_000)];
  expect((await Promise.all(said)).filter((one) => one !== '')).toEqual([
    '5000003',
    '4',
    '3',
    '3000003',
  ]);
  await cloche('rm -f echo');
  expect(await ask(host, '[::1]:8181')).toContain('Connection refused');
});

test('ps, port and inspect say where it is', async () => {
  const { out } = await cloche('ps --format {{.Ports}}');
  expect(out).toBe(
    '0.0.0.0:8080->80/tcp, 0.0.0.0:8080->80/udp, [::]:8080->80/tcp, [::]:8080->80/udp\n',
  );
  expect((await cloche('port web')).out).toBe(
    '80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n80/udp -> 0.0.0.0:8080\n80/udp -> [::]:8080\n',
  );
  expect((await cloche('port web 80')).out).toBe('0.0.0.0:8080\n[::]:8080\n');
  expect(await cloche('port web 81')).toMatchObject({
    code: 1,
    err: expect.stringContaining("no public port '81/tcp' published for web"),
  });
  const shown = await cloche('inspect web --format', '{{json .NetworkSettings.Ports}}');
  expect(JSON.parse(shown.out)['80/tcp']).toEqual([
    { HostIp: '0.0.0.0', HostPort: '8080' },
    { HostIp: '::', HostPort: '8080' },
  ]);
});

test('a container reaches it too: another one, and it itself', async () => {
  await serve('other', '-p 127.0.0.1:8081:80');
  const script = `exec 3<>/dev/tcp/${HOST[4]}/8080 && cat <&3`;
  for (const name of ['other', 'web']) {
    const ran = await cloche(`exec ${name} timeout 2 bash -c`, script);
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('you are') });
  }
});

test('what is published on one address, or not at all, is not reached from elsewhere', async () => {
  expect(await ask(host, '127.0.0.1:8081')).toBe('you are 10.88.0.1');
  expect(await ask(host, `${HOST[4]}:8081`)).toContain('nobody');
  await neighbour.run('ip', 'route', 'add', '10.88.0.0/16', 'via', HOST[4]);
  const { out } = await cloche('inspect web --format {{.NetworkSettings.IPAddress}}');
  expect(out).toStartWith('10.88.');
  expect(await ask(host, `${out.trim()}:80`)).toMatch(/^you are/);
  expect(await ask(neighbour, `${out.trim()}:80`)).toContain('nobody');
  await neighbour.run('ip', 'route', 'del', '10.88.0.0/16');
});

test('CVE-2020-8558: no container reaches what listens on 127.0.0.1 of the host', async () => {
  const listener = host.start(
    ...['perl', '-MIO::Socket::IP', '-e'],
    `$| = 1; my $s = IO::Socket::IP->new(LocalHost => "127.0.0.1", LocalPort => 9999, Listen => 5) or die;
     print "ready\\n"; while (my $c = $s->accept) { print $c "secret\\n"; close $c }`,
  );
  for await (const chunk of listener.stdout) if (chunk.length > 0) break;
  expect(await ask(host, '127.0.0.1:9999')).toBe('secret');
  const pid = (await cloche('inspect other --format {{.State.Pid}}')).out.trim();
  const inside = (script: string) =>
    host
      .run('nsenter', `--net=/proc/${pid}/ns/net`, 'timeout', '2', 'bash', '-c', script)
      .catch(String);
  await inside('echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet');
  await inside('ip addr del 127.0.0.1/8 dev lo; ip route flush table local dev lo');
  await inside('ip route add 127.0.0.1 via 10.88.0.1 dev eth0 src 10.88.0.3');
  expect(await inside('ip route get 127.0.0.1')).toContain('via 10.88.0.1');
  expect(await inside('cat < /dev/tcp/127.0.0.1/9999')).not.toContain('secret');
  listener.kill();
});

test('a port that somebody has is refused with 125, be it a container or a program', async () => {
  const taken = 'Bind for 0.0.0.0:8080 failed: port is already allocated';
  expect(await cloche(`run --rm -p 8080:1 ${IMAGE} true`)).toMatchObject({
    code: 125,
    err: expect.stringContaining(taken),
  });
  expect(await ask(host, '127.0.0.1:8080')).toBe('you are 10.88.0.1');
  expect(await cloche(`run --rm -p 127.0.0.1:9998-9999:1 ${IMAGE} true`)).toMatchObject({
    code: 0,
  });
  expect(await cloche(`run --rm -p 203.0.113.1:80:80 ${IMAGE} true`)).toMatchObject({
    code: 125,
    err: expect.stringContaining('cannot assign requested address'),
  });
  const program = 'my $s = IO::Socket::IP->new(LocalPort => 8080, Listen => 1, ReuseAddr => 1)';
  const held = await host.run(
    'perl',
    '-MIO::Socket::IP',
    '-e',
    `${program}; print $s ? "got it" : $!`,
  );
  expect(held).toBe('Address already in use');
});

test('who flushes all rules gets them back with the next container', async () => {
  await host.run('nft', 'flush', 'ruleset');
  expect(await ask(host, '127.0.0.1:8080')).toContain('nobody');
  expect(await cloche(`run --rm -p 8090:80 ${IMAGE} true`)).toMatchObject({ code: 0, err: '' });
  expect(await ask(host, '127.0.0.1:8080')).toBe('you are 10.88.0.1');
  expect(await ask(neighbour, `[${HOST[6]}]:8080`)).toBe(`you are ${NEIGHBOUR[6]}`);
});

test('when it ends its ports are free, also when its shim was killed with it', async () => {
  await cloche('rm -f other');
  const before = await maps();
  expect(before).toContain('8080');
  expect(before).not.toContain('8081');
  const pid = Number((await cloche('inspect web --format {{.State.Pid}}')).out);
  const shim = Number((await Bun.file(`/proc/${pid}/stat`).text()).split(' ')[3]);
  process.kill(shim, 'SIGKILL');
  process.kill(pid, 'SIGKILL');
  while ((await cloche('ps -q')).out !== '') await Bun.sleep(20);
  expect(await maps()).toBe('');
  await serve('again', '-p 8080:80');
  expect(await ask(host, '127.0.0.1:8080')).toMatch(/^you are/);
  await cloche('restart -t 0 again');
  while ((await ask(host, '127.0.0.1:8080')).startsWith('nobody')) await Bun.sleep(50);
  await cloche('rm -f again web');
  expect(await maps()).toBe('');
});

test('a thousand ports: more sockets than a process has by default, and one message to the kernel', async () => {
  const line = `run --rm -p 20000-20999:20000-20999 ${IMAGE} true`;
  expect(await limited('-Sn 1024', line)).toEqual({ code: 0, out: '', err: '' });
  expect(await limited('-n 1024', line)).toMatchObject({
    code: 125,
    err: expect.stringContaining('failed: too many open files'),
  });
  expect(await maps()).toBe('');
});

test('what somebody has left in the map for a port that is free goes with the next container', async () => {
  const element = '{ 0.0.0.0 . tcp . 8080 : 10.88.9.9 . 99 }';
  await host.run('nft', `add element ip cloche0 published ${element}`);
  await serve('heir', '-p 8079-8081:79-81');
  expect(await ask(host, '127.0.0.1:8080')).toMatch(/^you are/);
  await cloche('rm -f heir');
  expect(await maps()).toBe('');
});

test('a start that is killed halfway leaves no port, and its container can be started again', async () => {
  await cloche(`run --name half -p 8080:80 ${IMAGE} true`);
  const program = [process.execPath, join(import.meta.dir, 'half-start.fixture.ts'), 'half'];
  const killed = host.start('env', `CLOCHE_ROOT=${base.root}`, ...program);
  expect(await killed.exited).toBe(137);
  expect(await maps()).toContain('8080');
  expect((await cloche('ps -a --format {{.Names}}:{{.Status}}')).out).toMatch(/^half:Exited \(0\)/);
  expect(await maps()).toBe('');
  expect(await cloche('start -a half')).toEqual({ code: 0, out: '', err: '' });
  await cloche('rm half');
});

test('two starts at once are one', async () => {
  await cloche(`create --name twice -p 8080:80 ${IMAGE} sleep 100`);
  const both = await Promise.all([cloche('start twice'), cloche('start twice')]);
  for (const ran of both) expect(ran).toEqual({ code: 0, out: 'twice\n', err: '' });
  await cloche('rm -f twice');
});

test('-P takes any ports for what is exposed; with the network of the host there is nothing to publish', async () => {
  await cloche(`run -d --name any -P --expose 80 --expose 53/udp ${IMAGE} sleep 100`);
  const { out } = await cloche('port any');
  expect(out).toMatch(
    /^53\/udp -> 0\.0\.0\.0:\d+\n53\/udp -> \[::\]:\d+\n80\/tcp -> 0\.0\.0\.0:\d+\n/,
  );
  await cloche('rm -f any');
  expect(await cloche(`run --rm --network host -p 80:80 ${IMAGE} true`)).toMatchObject({
    code: 0,
    err: expect.stringContaining('Published ports are discarded when using host network mode'),
  });
  expect(await cloche(`run --rm -p x:80 ${IMAGE} true`)).toMatchObject({
    code: 125,
    err: expect.stringContaining('invalid hostPort: x'),
  });
});
