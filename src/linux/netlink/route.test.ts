import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { ClocheError } from '../../error.ts';
import { call, flags, result, type Step, text } from '../plan/index.ts';
import { type Chunk, u32 } from './message.ts';
import { needPrograms, type TestNetns, testNetns } from './namespace.fixture.ts';
import {
  addAddress,
  addDefaultRoute,
  createBridge,
  createVeth,
  deleteLink,
  setLink,
} from './route.ts';
import { conversation, indexSteps, type Request, requestSteps } from './steps.ts';

const hex = ({ bytes }: Chunk) => Buffer.from(bytes).toString('hex');

describe('goldens', () => {
  test('setLink brings a link up by its name', () => {
    expect(hex(setLink('lo', { up: true }))).toBe(
      [
        '28000000100005000100000000000000', // 40 bytes, RTM_NEWLINK, REQUEST|ACK, sequence 1
        '00000000000000000100000001000000', // index 0, IFF_UP of IFF_UP
        '070003006c6f0000', // IFLA_IFNAME "lo"
      ].join(''),
    );
  });

  test('createVeth nests the peer with its namespace', () => {
    const request = createVeth({
      name: 'vethA',
      settings: { up: true, master: 7, mtu: 1400 },
      peer: { name: 'eth0', netns: 200, settings: { mac: '02:42:0a:58:00:02' } },
    });
    expect(hex(request)).toBe(
      [
        '84000000100005060100000000000000', // CREATE|EXCL
        '00000000000000000100000001000000',
        '0a0003007665746841000000', // IFLA_IFNAME "vethA"
        '0800040078050000', // IFLA_MTU 1400
        '08000a0007000000', // IFLA_MASTER 7
        '48001280', // IFLA_LINKINFO, nested
        '0900010076657468' + '00000000', // IFLA_INFO_KIND "veth"
        '38000280', // IFLA_INFO_DATA, nested
        '34000180', // VETH_INFO_PEER, nested
        '00000000000000000000000000000000', // its ifinfomsg
        '090003006574683000000000', // "eth0"
        '0a00010002420a5800020000', // IFLA_ADDRESS
        '08001c00c8000000', // IFLA_NET_NS_FD 200
      ].join(''),
    );
  });

  test('addAddress of IPv4 has a broadcast, of IPv6 no duplicate detection', () => {
    expect(hex(addAddress(2, { address: '10.88.0.2', prefix: 16 }))).toBe(
      [
        '300000001400050601000000000000000210000002000000',
        '080002000a580002',
        '080001000a580002',
        '080004000a58ffff',
      ].join(''),
    );
    expect(hex(addAddress(2, { address: 'fd00::2', prefix: 64 }))).toBe(
      [
        '4000000014000506010000000000000' + '00a40020002000000',
        '14000200fd000000000000000000000000000002',
        '14000100fd000000000000000000000000000002',
      ].join(''),
    );
  });

  test('addDefaultRoute names gateway and interface', () => {
    expect(hex(addDefaultRoute('10.88.0.1', 2))).toBe(
      '2c00000018000506010000000000000002000000fe04000100000000' +
        '080005000a5800010800040002000000',
    );
  });

  test('deleteLink and createBridge find and name the link', () => {
    const name = '0c000300636c6f6368653000';
    expect(hex(deleteLink('cloche0'))).toContain(name);
    expect(hex(createBridge('cloche0'))).toContain(`${name}100012800b0001006272696467650000`);
  });

  test('a number that is not known yet leaves a hole at its place', () => {
    const index = result('index');
    const request = addAddress(index, { address: '10.88.0.2', prefix: 16 });
    expect(request.holes).toEqual([{ at: 20, from: index }]);
    expect(u32(index).bytes).toEqual(new Uint8Array(4));
  });

  test('a name longer than the kernel takes is refused before it is sent', () => {
    expect(() => setLink('a-name-too-long!', { up: true })).toThrow(RangeError);
  });
});

interface Link {
  ifname: string;
  flags: string[];
  mtu: number;
  address: string;
  master?: string;
  linkinfo?: { info_kind: string };
  addr_info?: { local: string; prefixlen: number; broadcast?: string; tentative?: boolean }[];
}

describe('in network namespaces of our own', () => {
  let host: TestNetns;
  let inside: TestNetns;
  beforeAll(async () => {
    await needPrograms({ ip: 'iproute2' });
    [host, inside] = await Promise.all([testNetns(), testNetns()]);
  }, 120_000);
  afterAll(() => Promise.all([host.end(), inside.end()]));

  const ask = (...requests: Omit<Request, 'why'>[]) =>
    conversation('NETLINK_ROUTE', (socket) =>
      requests.flatMap((request) =>
        requestSteps(socket, { why: `test: ${request.name}`, ...request }),
      ),
    );
  const linkOf = async (netns: TestNetns, name: string) =>
    (await netns.json<Link[]>('ip', '-j', '-d', 'addr', 'show', 'dev', name))[0];
  const openNetns = (path: string, fd: ReturnType<typeof result>): Step =>
    call(
      'openat',
      [flags('AT_FDCWD'), text(path), flags('O_RDONLY', 'O_CLOEXEC'), 0],
      'a namespace',
      {
        save: fd,
      },
    );

  test('loopback goes up', async () => {
    expect((await linkOf(inside, 'lo'))?.flags).not.toContain('UP');
    await inside.perform(ask({ name: 'lo up', message: setLink('lo', { up: true }) }));
    expect((await linkOf(inside, 'lo'))?.flags).toContain('UP');
  });

  test('a bridge, a veth pair with its far end as eth0 in the other namespace, both up', async () => {
    const [bridge, netns, index] = [result('bridge'), result('netns'), result('eth0')];
    await host.perform([
      openNetns(inside.path, netns),
      ...conversation('NETLINK_ROUTE', (socket) => [
        ...requestSteps(socket, {
          name: 'bridge',
          message: createBridge('br-test', { up: true, mac: '02:42:0a:58:00:01' }),
          why: 'a bridge',
        }),
        ...indexSteps(socket, 'br-test', bridge),
        ...requestSteps(socket, {
          name: 'veth',
          message: createVeth({
            name: 'veth-test',
            settings: { up: true, master: bridge, mtu: 1400 },
            peer: { name: 'eth0', netns, settings: { mac: '02:42:0a:58:00:02', mtu: 1400 } },
          }),
          why: 'a cable',
        }),
      ]),
    ]);
    expect(await linkOf(host, 'br-test')).toMatchObject({
      linkinfo: { info_kind: 'bridge' },
      address: '02:42:0a:58:00:01',
    });
    const near = await linkOf(host, 'veth-test');
    expect(near).toMatchObject({ master: 'br-test', mtu: 1400, linkinfo: { info_kind: 'veth' } });
    expect(near?.flags).toContain('UP');
    expect(await linkOf(inside, 'eth0')).toMatchObject({ mtu: 1400, address: '02:42:0a:58:00:02' });

    await inside.perform(
      conversation('NETLINK_ROUTE', (socket) => [
        ...indexSteps(socket, 'eth0', index),
        ...[
          { name: 'up', message: setLink('eth0', { up: true }) },
          { name: 'v4', message: addAddress(index, { address: '10.88.0.2', prefix: 16 }) },
          { name: 'v6', message: addAddress(index, { address: 'fd00:88::2', prefix: 64 }) },
          { name: 'v4 route', message: addDefaultRoute('10.88.0.1', index) },
          { name: 'v6 route', message: addDefaultRoute('fd00:88::1', index) },
        ].flatMap((request) => requestSteps(socket, { ...request, why: request.name })),
      ]),
    );
    const eth0 = await linkOf(inside, 'eth0');
    expect(eth0?.flags).toContain('LOWER_UP');
    expect(eth0?.addr_info).toContainEqual(
      expect.objectContaining({ local: '10.88.0.2', prefixlen: 16, broadcast: '10.88.255.255' }),
    );
    const v6 = eth0?.addr_info?.find(({ local }) => local === 'fd00:88::2');
    expect(v6).toMatchObject({ prefixlen: 64 });
    expect(v6?.tentative).toBeUndefined();
    for (const [family, gateway] of [
      ['-4', '10.88.0.1'],
      ['-6', 'fd00:88::1'],
    ] as const)
      expect(await inside.json('ip', family, '-j', 'route', 'show', 'default')).toMatchObject([
        { dst: 'default', gateway, dev: 'eth0', protocol: 'static' },
      ]);
  });

  test('a refusal is the errno of a step with the reason of the request', async () => {
    const create = { name: 'twice', message: createBridge('br-twice') };
    await host.perform(ask(create));
    const error = await host.perform(ask(create)).catch((e: unknown) => e as ClocheError);
    expect(error).toMatchObject({
      code: 'STEP_FAILED',
      message: "value(answer to 'twice'[16]) failed: EEXIST (File exists)",
      details: { errno: 'EEXIST', why: 'test: twice' },
    });
    await host.perform(ask({ ...create, tolerate: ['EEXIST'] }));
  });

  test('what is deleted is gone, with its other end', async () => {
    const netns = result('netns');
    const message = createVeth({ name: 'short', peer: { name: 'lived', netns } });
    await host.perform([openNetns(inside.path, netns), ...ask({ name: 'make', message })]);
    expect(await linkOf(inside, 'lived')).toBeDefined();
    await host.perform(ask({ name: 'delete', message: deleteLink('short') }));
    expect(await inside.run('ip', 'link')).not.toContain('lived');
    const again = ask({ name: 'delete', message: deleteLink('short') });
    const error = await host.perform(again).catch((e: unknown) => e);
    expect(error).toMatchObject({ details: { errno: 'ENODEV' } });
  });

  test('an interface that is not there has no index', async () => {
    const steps = conversation('NETLINK_ROUTE', (socket) =>
      indexSteps(socket, 'none', result('none')),
    );
    const error = await host.perform(steps).catch((e: unknown) => e as ClocheError);
    expect(error).toMatchObject({ details: { call: 'ioctl', errno: 'ENODEV' } });
  });
});
