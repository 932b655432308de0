import { expect, test } from 'bun:test';
import { parseProcess, parseSpec } from './schema.ts';

const configOf = (more: object) => JSON.stringify({ ociVersion: '1.2.0', ...more });
const mount = (more: object) => ({ mounts: [{ destination: '/mnt', ...more }] });
const ids = [{ containerID: 0, hostID: 0, size: 1 }];

test.each([
  [{ linux: { intelRdt: {} } }, 'linux.intelRdt: not supported'],
  [{ linux: { netDevices: {} } }, 'linux.netDevices: not supported'],
  [mount({ uidMappings: ids }), 'mounts.0.uidMappings: not supported'],
  [mount({ gidMappings: ids }), 'mounts.0.gidMappings: not supported'],
  [mount({ options: ['rbind', 'ridmap'] }), 'mounts.0.options.1: not supported'],
  [{ linux: { personality: { domain: 'LINUX', flags: ['X'] } } }, 'linux.personality.flags: '],
  [{ linux: { rootfsPropagation: 'foo' } }, 'linux.rootfsPropagation: '],
  [
    { linux: { namespaces: [{ type: 'pid' }, { type: 'pid', path: '/proc/1/ns/pid' }] } },
    'linux.namespaces: a kind of namespace is there twice',
  ],
])('%j cannot be had, and the error says where it stands', (more, place) => {
  expect(() => parseSpec(configOf(more), 'c')).toThrow(`'c' is invalid at ${place}`);
});

test('a process alone is refused for the same', () => {
  const process = { user: { uid: 0, gid: 0 }, cwd: '/' };
  expect(parseProcess(JSON.stringify(process), 'p')).toEqual(process);
  const asking = JSON.stringify({ ...process, execCPUAffinity: { initial: '0' } });
  expect(() => parseProcess(asking, 'p')).toThrow(
    "'p' is invalid at execCPUAffinity: not supported",
  );
});

test('null is not asked for, and all kinds of propagation are known', () => {
  for (const rootfsPropagation of ['', 'private', 'rslave', 'shared', 'runbindable'])
    expect(
      parseSpec(configOf({ linux: { intelRdt: null, rootfsPropagation } }), 'c'),
    ).toBeDefined();
});
