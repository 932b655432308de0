import { expect, test } from 'bun:test';
import type { NamespaceType, Spec } from '../spec.ts';
import { namespacesOf } from './namespaces.ts';
import { requireOwn } from './own.ts';

/** What is refused of a spec whose container has these namespaces for itself. */
function refused(spec: Omit<Spec, 'ociVersion'>, ...own: NamespaceType[]): string | undefined {
  try {
    requireOwn(
      { ociVersion: '1.2.0', ...spec },
      namespacesOf({ namespaces: own.map((type) => ({ type })) }),
    );
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const sysctl = (key: string) => ({ linux: { sysctl: { [key]: '1' } } });

test.each([
  ['net.ipv4.ip_forward', 'network'],
  ['net/ipv4/ip_forward', 'network'],
  ['kernel.shmmax', 'ipc'],
  ['fs.mqueue.msg_max', 'ipc'],
  ['kernel.domainname', 'uts'],
] as const)('the kernel parameter %s is what a %s namespace has for itself', (key, type) => {
  expect(refused(sysctl(key), type)).toBeUndefined();
  expect(refused(sysctl(key), 'mount')).toBe(
    `sysctl "${key}" is not allowed in the host's ${type} namespace`,
  );
});

test.each([
  'vm.swappiness',
  'kernel.panic',
  'kernel.core_pattern',
  'fs.file-max',
  'user.max_user_namespaces',
])('the kernel parameter %s is the whole machine’s', (key) => {
  expect(refused(sysctl(key), 'network', 'ipc', 'uts', 'user', 'mount')).toBe(
    `sysctl "${key}" is not in a separate kernel namespace`,
  );
});

test('a name, mounts and masks take a namespace of the container’s own, or they would be the host’s', () => {
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
  const all: [Omit<Spec, 'ociVersion'>, NamespaceType][] = [
    [{ hostname: 'x' }, 'uts'],
    [{ domainname: 'x' }, 'uts'],
    [{ mounts }, 'mount'],
    [{ root: { path: '/', readonly: true } }, 'mount'],
    [{ linux: { rootfsPropagation: 'shared' } }, 'mount'],
    [{ linux: { maskedPaths: ['/proc/kcore'] } }, 'mount'],
    [{ linux: { readonlyPaths: ['/proc/sys'] } }, 'mount'],
  ];
  for (const [spec, type] of all) {
    expect(refused(spec, type)).toBeUndefined();
    expect(refused(spec, 'pid')).toMatch(/^unable to .* without a private/);
  }
});
