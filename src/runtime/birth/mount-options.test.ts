import { expect, test } from 'bun:test';
import { mountOptions } from './mount-options.ts';

test('mountOptions tells attributes of the mount from options of the filesystem', () => {
  expect(mountOptions(['nosuid', 'noexec', 'ro', 'mode=755', 'size=64k', 'newinstance'])).toEqual({
    bind: false,
    copyUp: false,
    attributes: ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NOEXEC', 'MOUNT_ATTR_RDONLY'],
    recursive: { set: [], clear: [] },
    propagation: undefined,
    data: [
      ['mode', '755'],
      ['size', '64k'],
    ],
  });
});

test('mountOptions lets the later of two opposites win', () => {
  expect(mountOptions(['noexec', 'nodev', 'exec', 'suid']).attributes).toEqual([
    'MOUNT_ATTR_NODEV',
  ]);
  expect(mountOptions(['rw', 'ro']).attributes).toEqual(['MOUNT_ATTR_RDONLY']);
  expect(mountOptions(['noatime', 'strictatime']).attributes).toEqual(['MOUNT_ATTR_STRICTATIME']);
});

test.each([
  ['private', 'MS_PRIVATE', false],
  ['rprivate', 'MS_PRIVATE', true],
  ['slave', 'MS_SLAVE', false],
  ['rslave', 'MS_SLAVE', true],
  ['shared', 'MS_SHARED', false],
  ['rshared', 'MS_SHARED', true],
  ['unbindable', 'MS_UNBINDABLE', false],
  ['runbindable', 'MS_UNBINDABLE', true],
] as const)('mountOptions reads %s as propagation', (option, kind, recursive) => {
  expect(mountOptions([option]).propagation).toEqual({ kind, recursive });
});

test('mountOptions knows the attributes that hold for what is mounted below, beside those that do not', () => {
  expect(mountOptions(['rbind', 'rro', 'rnosuid'])).toMatchObject({
    bind: 'rbind',
    attributes: [],
    recursive: { set: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'], clear: [] },
  });
  expect(mountOptions(['rbind', 'rnosuid', 'ro'])).toMatchObject({
    attributes: ['MOUNT_ATTR_RDONLY'],
    recursive: { set: ['MOUNT_ATTR_NOSUID'], clear: [] },
  });
  expect(mountOptions(['rrw', 'rrelatime']).recursive).toEqual({
    set: [],
    clear: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR__ATIME'],
  });
  // Not `o` with an r in front of it.
  const nothing = { recursive: { set: [], clear: [] } };
  expect(mountOptions(['ro'])).toMatchObject(nothing);
  expect(mountOptions(['relatime', 'rw'])).toMatchObject({ attributes: [], ...nothing });
});

test('mountOptions takes flags of mount(2) that say nothing to a new filesystem', () => {
  const words = ['silent', 'acl', 'iversion', 'noiversion', 'loud', 'async'];
  expect(mountOptions(words).data).toEqual([]);
});

test('mountOptions splits an option at its first equals sign', () => {
  expect(mountOptions(['context=a=b', 'xino']).data).toEqual([
    ['context', 'a=b'],
    ['xino', undefined],
  ]);
});
