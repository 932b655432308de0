import { expect, test } from 'bun:test';
import { readFileSync, readlinkSync } from 'node:fs';
import { containerScene, IMAGE } from './containers.ts';

/** Commands that look at containers; each test removes its own. */
const { cloche, run } = containerScene();

test.each([
  [['kill', 'nope'], 'no such container: nope'],
  [['rm', 'nope'], 'no such container: nope'],
])('%j gives 1 and says so', async (args, says) => {
  const { code, err, out } = await cloche(...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(says);
});

test.each([
  [['rm', '-f', 'nope'], 'no such container: nope'],
  [['rmi', '-f', 'nope'], 'no such image: nope'],
])('%j gives 0, since it is as it was wanted, and says so', async (args, says) => {
  const { code, err, out } = await cloche(...args);
  expect([code, out]).toEqual([0, '']);
  expect(err).toContain(says);
});

test('kill and rm go on after a name that fails, and name what they did', async () => {
  await run('box', 'sleep', '100');
  expect((await cloche('rm', 'box')).err).toContain(
    "cannot remove container 'box': container is running",
  );
  expect((await cloche('kill', '-s', 'NOPE', 'box')).code).toBe(1);
  const killed = await cloche('kill', 'nope', 'box');
  expect(killed).toMatchObject({ code: 1, out: 'box\n' });
  await cloche('wait', 'box');
  const again = await cloche('rm', 'nope', 'box');
  expect(again).toMatchObject({ code: 1, out: 'box\n' });
});

test('rmi refuses the image of a container; by force its name goes, and the container lives on', async () => {
  await cloche('tag', IMAGE, 'mine');
  await cloche('rmi', IMAGE);
  const made = (
    await cloche('run', '-d', '--name', 'box', '--network', 'none', 'mine', 'sleep', '100')
  ).out;
  const short = made.slice(0, 12);
  const refused = await cloche('rmi', 'mine');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(
    `conflict: unable to remove repository reference "mine" (must force) - container ${short} is using its referenced image`,
  );
  expect((await cloche('rmi', '-f', 'mine')).out).toBe('Untagged: mine:latest\n');
  const [row] = JSON.parse((await cloche('images', '--json')).out);
  expect(row.tags).toEqual([]);
  expect((await cloche('rmi', '-f', row.id)).err).toContain('(cannot be forced)');
  expect((await cloche('exec', 'box', 'echo', 'here')).out).toBe('here\n');
  await cloche('tag', row.id, IMAGE);
  await cloche('rm', '-f', 'box');
});

test("inspect shows a container in docker's shape", async () => {
  const options = ['--memory', '64m', '-e', 'A=1', '-v', '/tmp:/t:ro'];
  const id = (
    await cloche(
      ...['run', '-d', '--name', 'box', '--network', 'none', ...options],
      ...[IMAGE, 'sleep', '100'],
    )
  ).out.trim();
  const [shown] = JSON.parse((await cloche('inspect', 'box')).out);
  expect(shown).toMatchObject({
    Id: id,
    Name: '/box',
    Path: 'sleep',
    Args: ['100'],
    State: { Status: 'running', Running: true, Paused: false, OOMKilled: false, ExitCode: 0 },
    HostConfig: { Memory: 64 * 2 ** 20, NetworkMode: 'none', Binds: ['/tmp:/t:ro'] },
    Mounts: [{ Type: 'bind', Source: '/tmp', Destination: '/t', RW: false }],
    Config: { Cmd: ['sleep', '100'], Image: IMAGE, Hostname: id.slice(0, 12) },
  });
  expect(shown.Config.Env).toContain('A=1');
  const pid = (await cloche('inspect', '-f', '{{.State.Pid}}', 'box')).out.trim();
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')).toEqual(['sleep', '100', '']);
  await cloche('kill', 'box');
  await Bun.sleep(300);
  const after = await cloche(
    'container',
    'inspect',
    '-f',
    '{{.State.Status}} {{.State.ExitCode}}',
    'box',
  );
  expect(after.out).toBe('exited 137\n');
  await cloche('rm', '-f', 'box');
});

test('inspect says where a container is in its network, and nothing once it has ended', async () => {
  await cloche('run', '-d', '--name', 'box', '-p', '[::]:18480:80', IMAGE, 'sleep', '100');
  const network = async () =>
    JSON.parse((await cloche('inspect', '-f', '{{json .NetworkSettings}}', 'box')).out);
  const { IPAddress, GlobalIPv6Address, SandboxKey, ...shown } = await network();
  const inside = await cloche('exec', 'box', 'cat', '/sys/class/net/eth0/address', '/etc/hosts');
  expect(inside.out).toContain(`${shown.MacAddress}\n`);
  expect(inside.out).toContain(`${IPAddress}\t`);
  expect(shown).toMatchObject({ Gateway: '10.88.0.1', IPPrefixLen: 16 });
  expect(shown).toMatchObject({ IPv6Gateway: 'fd63:6c6f:6368:65::1', GlobalIPv6PrefixLen: 64 });
  expect(GlobalIPv6Address).toStartWith('fd63:6c6f:6368:65::');
  expect(shown.Networks.bridge).toMatchObject({ IPAddress, Gateway: '10.88.0.1' });
  expect(readlinkSync(SandboxKey)).toStartWith('net:[');
  await cloche('stop', '-t', '0', 'box');
  expect(await network()).toMatchObject({ IPAddress: '', Gateway: '', IPPrefixLen: 0 });
  await cloche('rm', 'box');
});

test('inspect finds volumes, and --size says how much a container has written', async () => {
  await cloche('volume', 'create', 'data');
  const [volume] = JSON.parse((await cloche('inspect', 'data')).out);
  expect(volume).toMatchObject({ Name: 'data', Driver: 'local' });
  expect((await cloche('inspect', '--type', 'image', 'data')).code).toBe(1);
  expect((await cloche('inspect', '--type=volume', '-f', '{{.Name}}', 'data')).out).toBe('data\n');
  await cloche('volume', 'rm', 'data');
  await run('box', 'sh', '-c', 'head -c 3000 /dev/zero > /f');
  await cloche('wait', 'box');
  const [sized] = JSON.parse((await cloche('inspect', '--size', 'box')).out);
  expect(sized.SizeRw).toBe(3000);
  expect(sized.SizeRootFs).toBeGreaterThan(50_000_000);
  const [plain] = JSON.parse((await cloche('container', 'inspect', 'box')).out);
  expect('SizeRw' in plain).toBe(false);
  await cloche('rm', 'box');
});

test.each([
  [['logs', 'nope']],
  [['stop', 'nope']],
  [['restart', 'nope']],
  [['wait', 'nope']],
  [['pause', 'nope']],
  [['unpause', 'nope']],
  [['rename', 'nope', 'x1']],
  [['top', 'nope']],
  [['stats', '--no-stream', 'nope']],
  [['diff', 'nope']],
])('%j gives 1', async (args) => {
  const { code, err } = await cloche(...args);
  expect(code).toBe(1);
  expect(err).toContain('no such container: nope');
});

test('ps takes filters, formats, the last ones and sizes', async () => {
  await run('one', 'sh', '-c', 'head -c 3000 /dev/zero > /f; exit 4');
  await cloche('wait', 'one');
  await run('two', 'sleep', '100');
  const names = async (...args: string[]) =>
    (await cloche('ps', '--format', '{{.Names}} {{.State}}', ...args)).out;
  expect(await names()).toBe('two running\n');
  expect(await names('-a')).toBe('two running\none exited\n');
  expect(await names('-l')).toBe('two running\n');
  expect(await names('-n', '2')).toBe('two running\none exited\n');
  expect(await names('-f', 'status=exited')).toBe('one exited\n');
  expect(await names('-f', 'exited=4')).toBe('one exited\n');
  expect(await names('-a', '-f', 'name=on', '-f', 'name=wo')).toBe('two running\none exited\n');
  expect(await names('-a', '-f', 'name=on', '-f', 'status=running')).toBe('');
  expect(await names('-a', '-f', 'before=two')).toBe('one exited\n');
  expect(await names('-a', '-f', 'label=none')).toBe('');
  expect(await names('-a', '-f', `ancestor=${IMAGE}`)).toContain('one');
  expect((await cloche('ps', '-a', '-s', '--format', '{{.Size}}', '-f', 'name=one')).out).toBe(
    '3kB\n',
  );
  await cloche('pause', 'two');
  expect((await cloche('ps')).out).toMatch(/Up .*\(Paused\) +two\n$/);
  expect((await cloche('ps', '-f', 'colour=red')).err).toContain("invalid filter 'colour'");
  const [id] = (await cloche('ps', '-q', '--no-trunc')).out.split('\n');
  expect(id).toHaveLength(64);
  await cloche('rm', '-f', 'one', 'two');
});

test('ps finds names by expression, volumes, ports and health, and has more columns', async () => {
  const mounts = ['-v', 'data:/data', '-v', '/tmp:/t', '-l', 'app=web'];
  const ports = ['-p', '127.0.0.1:18481:80', '--expose', '90'];
  await cloche('run', '-d', '--name', 'box', ...mounts, ...ports, IMAGE, 'sleep', '100');
  await run('robox', 'sleep', '100');
  const names = async (...filters: string[]) =>
    (await cloche('ps', '--format', '{{.Names}}', ...filters.flatMap((one) => ['-f', one]))).out;
  for (const one of ['name=^bo', 'name=^/bo', 'volume=data', 'volume=/t', 'volume=/tmp'])
    expect(await names(one)).toBe('box\n');
  for (const one of ['publish=18481', 'publish=18000-18500/tcp', 'expose=80', 'expose=90/tcp'])
    expect(await names(one)).toBe('box\n');
  for (const one of ['name=^x', 'name=[', 'publish=80', 'expose=90/udp', 'health=healthy'])
    expect(await names(one)).toBe('');
  expect(await names('name=box$', 'health=none')).toBe('robox\nbox\n');
  expect((await cloche('ps', '-f', 'health=fine')).err).toContain("invalid filter 'health=fine'");
  const format = '{{.Mounts}} {{.LocalVolumes}} {{.Labels}}';
  const shown = (await cloche('ps', '-f', 'name=^box', '--format', format)).out;
  expect(shown).toStartWith('data,/tmp 1 ');
  expect(shown).toEndWith('app=web\n');
  await cloche('rm', '-f', 'box', 'robox');
  await cloche('volume', 'rm', 'data');
});

test('stats --all shows those too that use nothing', async () => {
  await cloche('create', '--name', 'new', IMAGE, 'true');
  expect((await cloche('stats', '--no-stream')).out.split('\n')).toHaveLength(2);
  const { out } = await cloche('stats', '-a', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}}');
  expect(out).toBe('new 0.00%\n');
  await cloche('rm', 'new');
});

test('top, stats and diff show what runs, what it uses and what it changed', async () => {
  const script = 'rm -r /opt; echo x > /etc/issue; mkdir /new; echo y > /new/f; exec sleep 100';
  await run('box', 'sh', '-c', script);
  await Bun.sleep(300);
  const [process] = JSON.parse((await cloche('top', 'box', '--json')).out);
  expect(process).toMatchObject({ uid: 0, command: 'sleep 100' });
  expect(readFileSync(`/proc/${process.pid}/comm`, 'utf8')).toBe('sleep\n');
  expect((await cloche('top', 'box')).out).toMatch(
    /^UID +PID +PPID +STIME +TIME +CMD\n0 +\d+ .* sleep 100\n$/,
  );
  expect((await cloche('top', 'box', 'aux')).out).toMatch(
    /^USER +PID +%CPU .* COMMAND\nroot +\d+ .* sleep 100\n$/,
  );
  expect((await cloche('top', 'box', '-o', 'pid,comm')).out).toMatch(
    /^PID +COMMAND\n\d+ +sleep\n$/,
  );
  expect((await cloche('top', 'box', '-o', 'comm')).err).toContain("couldn't find PID field");
  expect(await cloche('top', 'box', '--nonsense')).toMatchObject({
    code: 1,
    err: expect.stringContaining('error running ps: '),
  });
  const lines = (await cloche('diff', 'box')).out.split('\n');
  for (const line of ['D /opt', 'C /etc', 'C /etc/issue', 'A /new', 'A /new/f'])
    expect(lines).toContain(line);
  const [usage] = JSON.parse((await cloche('stats', '--json')).out);
  expect(usage).toMatchObject({ name: 'box', processes: 1 });
  expect(usage.memory).toBeGreaterThan(0);
  expect(usage.cpuPercent).toBeLessThan(50);
  const { out } = await cloche('stats', '--no-stream', 'box');
  expect(out).toMatch(
    /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % .*\n[0-9a-f]{12} +box +\d/,
  );
  await cloche('kill', 'box');
  await cloche('wait', 'box');
  expect((await cloche('top', 'box')).err).toContain('container box is not running');
  await cloche('rm', 'box');
});
