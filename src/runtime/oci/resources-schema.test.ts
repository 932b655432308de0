import { expect, test } from 'bun:test';
import { parseSpec } from './schema.ts';

const configOf = (resources: unknown) =>
  JSON.stringify({ ociVersion: '1.2.0', linux: { resources } });

test.each([
  [{ foo: 1 }, 'linux.resources: Unrecognized key: "foo"'],
  [{ memory: { limit: 'abc' } }, 'linux.resources.memory.limit: '],
  [{ memory: { limit: 1.5 } }, 'linux.resources.memory.limit: must be a whole number'],
  [{ memory: { limit: 1e30 } }, 'linux.resources.memory.limit: '],
  [{ memory: { limits: 1 } }, 'linux.resources.memory: Unrecognized key: "limits"'],
  [{ pids: { limit: 'x' } }, 'linux.resources.pids.limit: '],
  [{ cpu: { idle: 2 } }, 'linux.resources.cpu.idle: '],
  [{ cpu: { cpus: 0 } }, 'linux.resources.cpu.cpus: '],
  [{ devices: [{ access: 'rwm' }] }, 'linux.resources.devices.0.allow: '],
  [{ hugepageLimits: [{ pageSize: '2MB' }] }, 'linux.resources.hugepageLimits.0.limit: '],
  [{ unified: { 'memory.high': 1 } }, 'linux.resources.unified.memory.high: '],
])('%j is refused, and the error says where', (resources, place) => {
  expect(() => parseSpec(configOf(resources), 'c')).toThrow(`'c' is invalid at ${place}`);
});

test.each([
  {},
  null,
  { devices: null, memory: null, hugepageLimits: null },
  { memory: { limit: -1, swap: 9223372036854772000, swappiness: 0, useHierarchy: true } },
  { hugepageLimits: [{ pageSize: '2MB', limit: 9223372036854772000 }] },
  { cpu: { shares: 1024, quota: -1, period: 100_000, cpus: '0-1', mems: '', idle: 0 } },
  { pids: {}, network: {}, rdma: { mlx: { hcaHandles: 1 } }, unified: { 'memory.high': 'max' } },
  { blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] } },
  {
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: -1, minor: 3 },
    ],
  },
])('%j is taken', (resources) => {
  expect(parseSpec(configOf(resources), 'c').linux).toBeDefined();
});
