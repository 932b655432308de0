import { afterAll, beforeAll, expect, test } from 'bun:test';
import { needPrograms, type TestNetns, testNetns } from './namespace.fixture.ts';
import { natChanges } from './nat.ts';
import { batch, type Change, freshTable } from './nftables.ts';
import { abandonedSteps } from './ports.ts';
import { publish } from './published.ts';
import { conversation, requestSteps } from './steps.ts';

let host: TestNetns;
beforeAll(async () => {
  await needPrograms({ nft: 'nftables' });
  host = await testNetns();
}, 120_000);
afterAll(() => host.end());

const change = (changes: readonly Change[]) =>
  conversation('NETLINK_NETFILTER', (socket) =>
    requestSteps(socket, { name: 'change', message: batch(changes), why: 'for the test' }),
  );

test('what a killed process has left in the map goes, however often the rules have changed before', async () => {
  const port = {
    protocol: 'tcp',
    hostIp: '127.0.0.1',
    hostPort: 80,
    ip: '10.9.0.2',
    port: 80,
  } as const;
  await host.perform(change(natChanges({ name: 't', address: '10.9.0.1', prefix: 24 })));
  const map = () => host.run('nft', 'list', 'map', 'ip', 't', 'published');
  // The kernel counts changes and says the count in each answer; its eighth bit once was taken for a sign.
  for (let round = 0; round < 12; round++) {
    await host.perform(change([publish('t', port)]));
    expect(await map()).toContain('127.0.0.1 . tcp . 80');
    await host.perform(abandonedSteps('t', [port]));
    expect(await map()).not.toContain('127.0.0.1 . tcp . 80');
    await host.perform(Array.from({ length: 10 }, () => change(freshTable('other'))).flat());
  }
});
