import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { perform } from '../../linux/perform.ts';
import { explain } from '../../linux/plan/explain.ts';
import { call, flags, plan, result, text } from '../../linux/plan/index.ts';
import { deviceSteps, makedev } from './devices.ts';

const listing = (...args: Parameters<typeof deviceSteps>) =>
  explain(plan('devices', deviceSteps(...args))).map((line) => line.call);

test('makedev is the number that the kernel gives the device', () => {
  expect(makedev(1, 3)).toBe(statSync('/dev/null').rdev);
  expect(makedev(5, 2)).toBe(statSync('/dev/ptmx').rdev);
  expect(makedev(0xabc, 0x12345)).toBe(0x123abc45);
});

test('deviceSteps makes nodes by the fd of their directory, and the links of /dev', () => {
  const lines = listing(result('root'), [], { userNamespace: false, devpts: true });
  expect(lines).toContain('mknodat(parent, "null", 020666, 259)');
  expect(lines).toContain('symlinkat("/proc/self/fd", dev, "fd")');
  expect(lines.at(-1)).toBe('symlinkat("pts/ptmx", dev, "ptmx")');
});

test('deviceSteps takes the config over the default, with its mode and owner', () => {
  const lines = listing(
    result('root'),
    [{ type: 'b', path: '/dev/null', major: 7, minor: 0, fileMode: 0o640, uid: 5, gid: 6 }],
    { userNamespace: false, devpts: false },
  );
  expect(lines.filter((line) => /(mknodat|fchownat).*"null"/.test(line))).toEqual([
    'mknodat(parent, "null", 060640, 1792)',
    'mknodat(parent, "null", 060640, 1792)',
    'fchownat(parent, "null", 5, 6, AT_SYMLINK_NOFOLLOW)',
  ]);
});

test('deviceSteps binds the devices of the host where a user namespace forbids to make them', () => {
  const lines = listing(result('root'), [], { userNamespace: true, devpts: true });
  expect(lines.filter((line) => line.includes('mknodat') && line.includes(' 020'))).toEqual([]);
  expect(lines).toContain(
    'open_tree(AT_FDCWD, "/dev/null", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = host:/dev/null',
  );
});

test('a device may be there already, if it is that one; another file is in the way', async () => {
  const root = mkdtempSync(join(tmpdir(), 'cloche-devices-'));
  const make = (type: 'c' | 'p', path: string, minor: number) => {
    const at = result('root');
    const args = [flags('AT_FDCWD'), text(root), flags('O_PATH', 'O_DIRECTORY'), 0];
    const device = { type, path, major: type === 'c' ? 10 : 0, minor };
    const steps = deviceSteps(at, [device], { userNamespace: false, devpts: false });
    const open = call('openat', args, 'the root', { save: at });
    return perform(plan('devices', [call('umask', [0], 'as init'), open, ...steps]));
  };
  await make('c', '/tun', 200);
  await make('c', '/tun', 200);
  expect(statSync(join(root, 'tun')).rdev).toBe(makedev(10, 200));
  await make('p', '/fifo', 0);
  await make('p', '/fifo', 0);
  expect(statSync(join(root, 'fifo')).isFIFO()).toBe(true);
  writeFileSync(join(root, 'file'), '');
  for (const [type, path, minor] of [
    ['c', '/tun', 201],
    ['c', '/file', 200],
    ['p', '/file', 0],
  ] as const)
    await expect(make(type, path, minor)).rejects.toThrow('EEXIST');
  rmSync(root, { recursive: true });
});
