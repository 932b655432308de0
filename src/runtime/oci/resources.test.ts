import { expect, test } from 'bun:test';
import { type LinuxResources, parseHierarchies, settingsOf } from '../../linux/cgroup/index.ts';
import { resourcesOf } from './resources.ts';

const v1 = parseHierarchies({
  mountinfo: '1 99 0:1 / /cg/devices rw - cgroup c rw,devices',
  kernel: '',
  v2Controllers: '',
});
const none = parseHierarchies({ mountinfo: '', kernel: '', v2Controllers: '' });

function devicesOf(resources: object | undefined): string[] {
  const { resources: all } = resourcesOf({ ociVersion: '1.2.0', linux: { resources } }, v1);
  return settingsOf(v1, all).files.map(({ file, content }) => `${file} ${content}`);
}

test('a config that says nothing of devices opens the usual ones alone', () => {
  const usual = devicesOf({ devices: [] });
  expect(usual).toContain('devices.allow c 1:3 rwm');
  expect(usual[0]).toBe('devices.deny a');
  for (const resources of [undefined, {}, { devices: undefined }, { devices: null }])
    expect(devicesOf(resources)).toEqual(usual);
});

test('a rule that allows one device allows that one beside them, and one for all of them all', () => {
  const tun = { allow: true, type: 'c', major: 10, minor: 200, access: 'rw' } as const;
  const opened = devicesOf({ devices: [tun] } satisfies LinuxResources);
  expect(opened[0]).toBe('devices.deny a');
  expect(opened).toContain('devices.allow c 10:200 rw');
  expect(devicesOf({ devices: [{ allow: true, access: 'rwm' }] })).toEqual([]);
});

test('where no devices are controlled, that is said', () => {
  expect(resourcesOf({ ociVersion: '1.2.0' }, none)).toEqual({
    resources: {},
    warnings: ['no cgroup here controls who opens which device: all are open'],
  });
});
