import { afterAll, expect, test } from 'bun:test';
import { choosePorts, type PortBinding } from './choose.ts';
import { portsColumn } from './show.ts';
import { parseExpose, parsePublish } from './spec.ts';

const tcp = { protocol: 'tcp' } as const;

test.each([
  ['80', [{ ...tcp, port: 80 }]],
  ['8080:80', [{ ...tcp, port: 80, hostPorts: [8080, 8080] }]],
  ['0:80', [{ ...tcp, port: 80 }]],
  ['127.0.0.1:0:53/udp', [{ protocol: 'udp', port: 53, hostIp: '127.0.0.1' }]],
  ['53:53/udp', [{ protocol: 'udp', port: 53, hostPorts: [53, 53] }]],
  ['8080:80/TCP', [{ ...tcp, port: 80, hostPorts: [8080, 8080] }]],
  ['127.0.0.1:8080:80', [{ ...tcp, port: 80, hostIp: '127.0.0.1', hostPorts: [8080, 8080] }]],
  ['127.0.0.1::80', [{ ...tcp, port: 80, hostIp: '127.0.0.1' }]],
  ['[::1]:8080:80', [{ ...tcp, port: 80, hostIp: '::1', hostPorts: [8080, 8080] }]],
  ['8000-8010:80', [{ ...tcp, port: 80, hostPorts: [8000, 8010] }]],
  [
    '8000-8001:80-81',
    [
      { ...tcp, port: 80, hostPorts: [8000, 8000] },
      { ...tcp, port: 81, hostPorts: [8001, 8001] },
    ],
  ],
  [
    '80-81',
    [
      { ...tcp, port: 80 },
      { ...tcp, port: 81 },
    ],
  ],
])('-p %s', (text, expected) => {
  expect(parsePublish(text)).toEqual(expected as never);
});

test.each([
  ['', 'no port specified: <empty>'],
  ['8080:', 'no port specified: <empty>'],
  ['http', 'invalid containerPort: http'],
  ['0', 'invalid containerPort: 0'],
  ['65536', 'invalid containerPort: 65536'],
  ['80-70', 'invalid containerPort: 80-70'],
  ['1-2-3', 'invalid containerPort: 1-2-3'],
  ['-1:80', 'invalid hostPort: -1'],
  ['80/icmp', 'invalid proto: icmp'],
  ['localhost:80:80', 'invalid IP address: localhost'],
  ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
  ['::1:80:80', 'invalid publish spec: ::1:80:80'],
  [
    '8000-8002:80-81',
    "invalid ranges specified for container and host Ports: '80-81' and '8000-8002'",
  ],
])('-p %p is refused', (text, message) => {
  expect(() => parsePublish(text)).toThrow(message);
});

test('EXPOSE may name a range', () => {
  expect(parseExpose('8000-8001/udp')).toEqual([
    { port: 8000, protocol: 'udp' },
    { port: 8001, protocol: 'udp' },
  ]);
});

const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
afterAll(() => listener.stop());

test('of a range the first that nobody has, for each port another', async () => {
  const from = listener.port;
  const spec = { ...tcp, hostIp: '127.0.0.1', hostPorts: [from, from + 20] as const };
  const [first, second] = await choosePorts([
    { ...spec, port: 80 },
    { ...spec, port: 81 },
  ]);
  expect(first?.hostPort).toBeGreaterThan(from);
  expect(second?.hostPort).toBeGreaterThan(first?.hostPort ?? Number.POSITIVE_INFINITY);
});

test('a single port is not tried beforehand: the container itself hears what is wrong with it', async () => {
  const taken = { ...tcp, port: 80, hostIp: '127.0.0.1' };
  const { port } = listener;
  expect((await choosePorts([{ ...taken, hostPorts: [port, port] }]))[0]?.hostPort).toBe(port);
});

test('a range that is taken whole', async () => {
  const spec = { ...tcp, hostIp: '127.0.0.1', hostPorts: [1, 2] as const };
  const three = [80, 81, 82].map((port) => ({ ...spec, port }));
  expect(await choosePorts(three).catch((error) => error.message)).toBe('all ports are allocated');
});

test('ps joins neighbours and adds what is only exposed', () => {
  const binding = (hostIp: string, hostPort: number, port: number): PortBinding => ({
    ...tcp,
    hostIp,
    hostPort,
    port,
  });
  const bindings = [
    ...['0.0.0.0', '::'].flatMap((ip) => [binding(ip, 8000, 80), binding(ip, 8001, 81)]),
    binding('127.0.0.1', 9000, 443),
  ];
  expect(portsColumn(bindings, ['80/tcp', '53/udp'])).toBe(
    '0.0.0.0:8000-8001->80-81/tcp, [::]:8000-8001->80-81/tcp, 127.0.0.1:9000->443/tcp, 53/udp',
  );
});
