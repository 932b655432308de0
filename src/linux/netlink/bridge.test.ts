import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { breakStep } from '../plan/break.ts';
import { call, flags, plan, result, type Step, text, type Value } from '../plan/index.ts';
import { bridgeSteps, containerNetworkSteps, loopbackSteps, removeBridgeSteps } from './bridge.ts';
import { forwardQuery } from './forward.ts';
import { needPrograms, type TestNetns, testNetns } from './namespace.fixture.ts';
import { addAddress, createVeth, setLink } from './route.ts';
import { conversation, indexSteps, requestSteps } from './steps.ts';

/** A host with a bridge and an uplink, a container on the bridge, a server out in the world. */
let host: TestNetns;
let inside: TestNetns;
let world: TestNetns;

const bridge = { name: 'cloche0', address: '10.88.0.1', prefix: 16 };
const HOST_ADDRESS = '192.0.2.1';
const WORLD_ADDRESS = '192.0.2.2';
const CONTAINER_ADDRESS = '10.88.0.2';
const PORT = 8080;

beforeAll(async () => {
  await needPrograms({ ip: 'iproute2', nft: 'nftables', iptables: 'iptables' });
  [host, inside, world] = await Promise.all([testNetns(), testNetns(), testNetns()]);
  const netns = result('world');
  await host.perform([
    open(world.path, netns),
    ...conversation('NETLINK_ROUTE', (socket) =>
      requestSteps(socket, {
        name: 'uplink',
        message: createVeth({ name: 'uplink', peer: { name: 'uplink', netns } }),
        why: 'a cable into the world',
      }),
    ),
  ]);
  await host.perform(uplink(HOST_ADDRESS));
  await world.perform(uplink(WORLD_ADDRESS));
}, 120_000);
afterAll(() => Promise.all([host, inside, world].map((netns) => netns.end())));

function open(path: string, fd: Value): Step {
  const how = flags('O_RDONLY', 'O_CLOEXEC');
  return call('openat', [flags('AT_FDCWD'), text(path), how, 0], 'a namespace', { save: fd });
}

function uplink(address: string): Step[] {
  const index = result('uplink index');
  return conversation('NETLINK_ROUTE', (socket) => [
    ...indexSteps(socket, 'uplink', index),
    ...[setLink('uplink', { up: true }), addAddress(index, { address, prefix: 24 })].flatMap(
      (message) => requestSteps(socket, { name: 'uplink', message, why: 'the world' }),
    ),
  ]);
}

async function forwardChain() {
  const query = forwardQuery();
  return query.answer(await host.perform(query.steps));
}

/** A server that tells every caller its address. */
async function serveIn(netns: TestNetns): Promise<void> {
  const server = netns.start(
    process.execPath,
    '-e',
    `require('node:net').createServer((s) => s.end(s.remoteAddress.replace('::ffff:', ''))).listen(${PORT}, () => console.log('ready'))`,
  );
  for await (const chunk of server.stdout) if (chunk.length > 0) break;
}

/** Who the server at `address` thinks that we in `netns` are. @throws when it cannot be reached. */
async function seenAs(netns: TestNetns, address: string, seconds = 10): Promise<string> {
  const ask = `exec 3<>/dev/tcp/${address}/${PORT} && cat <&3`;
  return netns.run('timeout', String(seconds), 'bash', '-c', ask);
}

/** No way from `netns` to the server at `address`: refused, or no answer within a second. */
async function isCutOff(netns: TestNetns, address: string): Promise<boolean> {
  return seenAs(netns, address, 1).then(
    () => false,
    () => true,
  );
}

describe('a container behind a bridge with NAT', () => {
  test('loopbackSteps brings up lo and nothing else', async () => {
    await inside.perform(loopbackSteps());
    expect(await inside.run('ip', '-br', 'link', 'show', 'up')).toMatch(/^lo /);
  });

  test('bridgeSteps makes the bridge, and asking again changes nothing', async () => {
    const look = async () => ({
      link: (await host.json<{ address: string }[]>('ip', '-j', 'addr', 'show', 'cloche0'))[0],
      rules: await host.run('nft', 'list', 'ruleset'),
    });
    await host.perform(bridgeSteps(bridge, undefined));
    const once = await look();
    await host.perform(bridgeSteps(bridge, undefined));
    expect(await look()).toEqual(once);
    expect(once.link).toMatchObject({
      address: '02:42:0a:58:00:01',
      addr_info: [{ local: '10.88.0.1', prefixlen: 16 }],
    });
    expect(once.rules).toContain('masquerade');
  });

  test('containerNetworkSteps attaches the container', async () => {
    const { shim, init } = containerNetworkSteps({
      bridge: bridge.name,
      hostEnd: 'vethtest',
      addresses: [{ address: CONTAINER_ADDRESS, prefix: 16, gateway: bridge.address }],
      mtu: 1400,
    });
    const netns = result('netns');
    const dup = call('dup3', [netns, 200, flags('O_CLOEXEC')], 'a number known beforehand');
    await host.perform([open(inside.path, netns), dup, ...shim(200)]);
    await inside.perform(init);
    expect(await inside.json('ip', '-j', 'addr', 'show', 'eth0')).toMatchObject([
      {
        mtu: 1400,
        operstate: 'UP',
        address: '02:42:0a:58:00:02',
        addr_info: [{ local: CONTAINER_ADDRESS }, {}],
      },
    ]);
    expect(await inside.run('ip', 'route')).toContain('default via 10.88.0.1 dev eth0');
  });

  test('it reaches the gateway by its own address', async () => {
    await serveIn(host);
    expect(await seenAs(inside, bridge.address)).toBe(CONTAINER_ADDRESS);
  });

  test('it reaches the world with the address of the host, once the host forwards', async () => {
    await serveIn(world);
    await host.run('sh', '-c', 'echo 0 > /proc/sys/net/ipv4/ip_forward');
    expect(await isCutOff(inside, WORLD_ADDRESS)).toBe(true);
    const program = `require('${import.meta.dir}/sysctl.ts').enableForwarding()`;
    await host.run(process.execPath, '-e', program);
    expect(await seenAs(inside, WORLD_ADDRESS)).toBe(HOST_ADDRESS);
  });

  test('who can route to the container does not reach it unasked', async () => {
    await serveIn(inside);
    await world.run('ip', 'route', 'add', '10.88.0.0/16', 'via', HOST_ADDRESS);
    expect(await seenAs(host, CONTAINER_ADDRESS)).toBe(bridge.address);
    expect(await isCutOff(world, CONTAINER_ADDRESS)).toBe(true);
    const publish = `ip daddr ${HOST_ADDRESS} dnat to ${CONTAINER_ADDRESS}`;
    await host.run(
      ...['nft', 'table ip published { chain prerouting'],
      `{ type nat hook prerouting priority dstnat; ${publish}; }; }`,
    );
    expect(await seenAs(world, HOST_ADDRESS)).toBe(WORLD_ADDRESS);
    await host.run('nft', 'delete table ip published');
  });

  test('a FORWARD with policy DROP, as Docker leaves it, stops it until it gets our rules', async () => {
    await host.run('iptables-nft', '-P', 'FORWARD', 'DROP');
    expect(await isCutOff(inside, WORLD_ADDRESS)).toBe(true);
    await host.perform(bridgeSteps(bridge, await forwardChain()));
    expect(await seenAs(inside, WORLD_ADDRESS)).toBe(HOST_ADDRESS);
    expect(await isCutOff(world, CONTAINER_ADDRESS)).toBe(true);
    await host.perform(bridgeSteps(bridge, await forwardChain()));
    expect((await forwardChain())?.ours).toHaveLength(2);
  });

  test('whichever step fails, no cable is left once the container is gone', async () => {
    const { shim, init } = containerNetworkSteps({
      bridge: bridge.name,
      hostEnd: 'vethbroken',
      addresses: [{ address: '10.88.0.3', prefix: 16, gateway: bridge.address }],
    });
    const outside = shim(200).length;
    const all = plan('attach', [...shim(200), ...init]);
    for (const index of all.steps.keys()) {
      const container = await testNetns();
      const netns = result('netns');
      const dup = call('dup3', [netns, 200, flags('O_CLOEXEC')], 'a number known beforehand');
      const { steps } = breakStep(all, index, 'EIO');
      const attach = async () => {
        await host.perform([open(container.path, netns), dup, ...steps.slice(0, outside)]);
        await container.perform(steps.slice(outside));
      };
      const error = await attach().catch((e: unknown) => e);
      await container.end();
      expect(error).toMatchObject({ code: 'STEP_FAILED', details: { errno: 'EIO' } });
      while ((await host.run('ip', 'link')).includes('vethbroken')) await Bun.sleep(5);
    }
  }, 60_000);

  test('removeBridgeSteps takes everything away, and does not mind when there is nothing', async () => {
    await host.perform(removeBridgeSteps(bridge, await forwardChain()));
    await host.perform(removeBridgeSteps(bridge, await forwardChain()));
    expect((await forwardChain())?.ours).toEqual([]);
    expect(await host.run('nft', 'list', 'tables')).toBe('table ip filter\n');
    expect(await host.run('ip', 'link')).not.toContain('cloche0');
  });
});
