import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { addressIn, interfaceIs, isAnswer, masquerade, verdict } from './expressions.ts';
import { acceptChanges, forwardQuery, retractChanges } from './forward.ts';
import { type Chunk, join } from './message.ts';
import { needPrograms, type TestNetns, testNetns } from './namespace.fixture.ts';
import { natChanges } from './nat.ts';
import { batch, type Change, freshTable, newRule, noTable } from './nftables.ts';
import { conversation, requestSteps } from './steps.ts';

const hex = ({ bytes }: Chunk) => Buffer.from(bytes).toString('hex');

describe('goldens', () => {
  test('batch brackets its changes, numbers them, and the last one wants an answer', () => {
    expect(hex(batch(noTable('t')))).toBe(
      [
        '14000000100001000000000000000000' + '0000000a', // BATCH_BEGIN, for subsystem 10
        '1c000000000a01040100000000000000' + '02000000' + '0600010074000000', // NEWTABLE
        '1c000000020a05000200000000000000' + '02000000' + '0600010074000000', // DELTABLE, ACK
        '14000000110001000300000000000000' + '0000000a',
      ].join(''),
    );
  });

  // As `nft --debug=netlink add rule ip t c …` sends them.
  test.each([
    [
      'iifname "lo"',
      interfaceIs('in', 'lo'),
      '2400018009000100' +
        '6d65746100000000' +
        '14000280' +
        '0800020000000006' +
        '0800010000000001',
    ],
    [
      'accept',
      [verdict('accept')],
      '300001800e000100696d6d6564696174650000001c000280080001000000000010000280' +
        '0c000280' +
        '0800010000000001',
    ],
    ['masquerade', [masquerade()], '14000180090001006d617371' + '00000000' + '04000280'],
    [
      'ct state established,related',
      isAnswer(),
      '2000018007000100637400001400028008000200000000000800010000000001',
    ],
    [
      'ip saddr 10.88.0.0/16',
      addressIn('source', Uint8Array.of(10, 88, 0, 0), Uint8Array.of(255, 255, 0, 0)),
      '340001800c0001007061796c6f616400' +
        '24000280' +
        '0800010000000001080002000000000108000300' +
        '0000000c0800040000000004',
    ],
  ])('%s begins with its expression', (_, expressions, begins) => {
    expect(hex(join(expressions)).slice(0, begins.length)).toBe(begins);
  });
});

describe('in a network namespace of our own', () => {
  let host: TestNetns;
  beforeAll(async () => {
    await needPrograms({ nft: 'nftables', iptables: 'iptables' });
    host = await testNetns();
  }, 120_000);
  afterAll(() => host.end());

  const send = (...changes: Change[]) =>
    host.perform(
      conversation('NETLINK_NETFILTER', (socket) =>
        requestSteps(socket, { name: 'batch', message: batch(changes), why: 'a test' }),
      ),
    );
  const ask = async () => {
    const query = forwardQuery();
    return query.answer(await host.perform(query.steps));
  };

  const bridge = { name: 'cloche0', address: '10.88.0.1', prefix: 16 };

  test('nft reads the rules of a bridge as they were meant, also when they are sent twice', async () => {
    await send(...natChanges(bridge));
    await send(...natChanges(bridge));
    expect(await host.run('nft', 'list', 'ruleset')).toBe(`table ip cloche0 {
	map published {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
	}

	chain guard {
		type filter hook prerouting priority raw; policy accept;
		iifname "cloche0" ip daddr 127.0.0.0/8 drop
	}

	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published
		fib daddr type local dnat ip to ip daddr & 0.0.0.0 . meta l4proto . th dport map @published
	}

	chain output {
		type nat hook output priority -100; policy accept;
		fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published
		fib daddr type local dnat ip to ip daddr & 0.0.0.0 . meta l4proto . th dport map @published
	}

	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "cloche0" accept
		oifname "cloche0" ct state established,related accept
		oifname "cloche0" ct status dnat accept
		oifname "cloche0" drop
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.88.0.0/16 oifname != "cloche0" masquerade
		ip saddr 10.88.0.0/16 oifname "cloche0" ct status dnat masquerade
		ip saddr 127.0.0.0/8 oifname "cloche0" masquerade
	}
}
`);
    await send(...noTable('cloche0'));
    expect(await host.run('nft', 'list', 'ruleset')).toBe('');
  });

  test('and those of a bridge of IPv6', async () => {
    const six = { ...bridge, address: 'fd00::1', prefix: 64 };
    const request = { name: 'batch', message: batch(natChanges(six), 6), why: 'a test' };
    await host.perform(conversation('NETLINK_NETFILTER', (to) => requestSteps(to, request)));
    const rules = await host.run('nft', 'list', 'table', 'ip6', 'cloche0');
    expect(rules).toContain('ip6 daddr != ::1 fib daddr type local dnat ip6 to');
    expect(rules).toContain('ip6 saddr fd00::/64 oifname != "cloche0" masquerade');
    expect(rules).toContain(
      'type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service',
    );
    await host.run('nft', 'delete', 'table', 'ip6', 'cloche0');
  });

  test('a batch with one bad change does nothing and fails with its errno', async () => {
    const lost = newRule({ table: 'half', chain: 'none', expressions: [] }, 'end');
    const error = await send(...freshTable('half'), lost, ...freshTable('other')).catch((e) => e);
    expect(error).toMatchObject({ code: 'STEP_FAILED', details: { errno: 'ENOENT' } });
    expect(await host.run('nft', 'list', 'ruleset')).toBe('');
  });

  test('where there is no FORWARD, or it accepts, there is nothing to do', async () => {
    expect(await ask()).toBeUndefined();
    expect(acceptChanges('cloche0', undefined)).toEqual([]);
    await host.run('iptables-nft', '-P', 'FORWARD', 'ACCEPT');
    await host.run('iptables-nft', '-A', 'FORWARD', '-i', 'docker0', '-j', 'ACCEPT');
    expect(await ask()).toEqual({ policy: 'accept', ours: [] });
    expect(acceptChanges('cloche0', await ask())).toEqual([]);
  });

  test('a FORWARD that drops gets our rules at the top once, and iptables understands them', async () => {
    await host.run('iptables-nft', '-P', 'FORWARD', 'DROP');
    expect(await ask()).toEqual({ policy: 'drop', ours: [] });
    await send(...acceptChanges('cloche0', await ask()));
    expect(acceptChanges('cloche0', await ask())).toEqual([]);
    await send(...acceptChanges('cloche1', await ask()));
    expect((await ask())?.ours.map((rule) => rule.bridge)).toEqual([
      'cloche1',
      'cloche1',
      'cloche0',
      'cloche0',
    ]);
    const listed = (await host.run('iptables-nft', '-S', 'FORWARD')).trim().split('\n');
    expect(listed.map((line) => line.replace(/ -m comment.*(?= -j)/, ''))).toEqual([
      '-P FORWARD DROP',
      '-A FORWARD -i cloche1 -j ACCEPT',
      '-A FORWARD -o cloche1 -j ACCEPT',
      '-A FORWARD -i cloche0 -j ACCEPT',
      '-A FORWARD -o cloche0 -j ACCEPT',
      '-A FORWARD -i docker0 -j ACCEPT',
    ]);
    await send(...retractChanges('cloche0', await ask()));
    expect((await ask())?.ours.map((rule) => rule.bridge)).toEqual(['cloche1', 'cloche1']);
  });

  test('our rules are found above hundreds of others', async () => {
    const many = Array.from(
      { length: 300 },
      (_, i) => `-A FORWARD -s 10.0.${i >> 8}.${i & 255} -j DROP`,
    );
    const restore = `*filter\n${many.join('\n')}\nCOMMIT\n`;
    await host.run(
      'sh',
      '-c',
      `printf '${restore.replaceAll('\n', '\\n')}' | iptables-nft-restore -n`,
    );
    expect((await ask())?.ours.map((rule) => rule.bridge)).toEqual(['cloche1', 'cloche1']);
  });
});
