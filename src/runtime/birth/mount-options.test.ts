import { expect, test } from 'bun:test';
import { explainStep, result } from '../../linux/plan/index.ts';
import { mountOptions } from './mount-options.ts';
import { bindSteps } from './mounts.ts';

test('mountOptions tells attributes of the mount from options of the filesystem', () => {
  expect(mountOptions(['nosuid', 'noexec', 'ro', 'mode=755', 'size=64k', 'newinstance'])).toEqual({
    bind: false,
    attributes: ['MOUNT_ATTR_NOSUID', 'MOUNT_ATTR_NOEXEC', 'MOUNT_ATTR_RDONLY'],
    recursive: [],
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

test('mountOptions knows the attributes that hold for what is mounted below', () => {
  expect(mountOptions(['rbind', 'rro', 'rnosuid'])).toMatchObject({
    bind: 'rbind',
    attributes: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'],
    recursive: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'],
  });
  // One that is about the mount alone stays so beside them.
  const mixed = mountOptions(['rbind', 'ro', 'rnosuid']);
  expect(mixed).toMatchObject({
    attributes: ['MOUNT_ATTR_RDONLY', 'MOUNT_ATTR_NOSUID'],
    recursive: ['MOUNT_ATTR_NOSUID'],
  });
  const calls = bindSteps('/a', mixed, result('made')).map((step, i) => explainStep(step, i).call);
  expect(calls.slice(1)).toEqual([
    'mount_setattr(made, "", AT_EMPTY_PATH, {set=MOUNT_ATTR_RDONLY}, 32)',
    'mount_setattr(made, "", AT_EMPTY_PATH|AT_RECURSIVE, {set=MOUNT_ATTR_NOSUID}, 32)',
  ]);
  // Not `o` with an r in front of it.
  expect(mountOptions(['ro'])).toMatchObject({ recursive: [] });
  expect(mountOptions(['relatime', 'rw'])).toMatchObject({ attributes: [], recursive: [] });
});

test('mountOptions splits an option at its first equals sign', () => {
  expect(mountOptions(['context=a=b', 'xino']).data).toEqual([
    ['context', 'a=b'],
    ['xino', undefined],
  ]);
});
