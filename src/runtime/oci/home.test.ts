import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeIn, withHome } from './home.ts';

const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:7:7::/home/ann:/bin/sh\nnone:x:8:8::\n';

test('a home is that of the first line with the user’s number, or the root', () => {
  expect([0, 7, 8, 9].map((uid) => homeIn(PASSWD, uid))).toEqual(['/root', '/home/ann', '/', '/']);
  expect(homeIn('', 0)).toBe('/');
});

test('it is read inside of the root, and a HOME that is there stays', async () => {
  const root = mkdtempSync(join(tmpdir(), 'cloche-home-'));
  const process = (...env: string[]) => ({ user: { uid: 7, gid: 7 }, cwd: '/', env });
  const home = async (...env: string[]) => (await withHome(process(...env), root)).env;
  expect(await home('A=b')).toEqual(['A=b', 'HOME=/']);
  mkdirSync(join(root, 'etc'));
  // Outside of the root there is such a file, and it knows the user.
  const outside = `${root}.passwd`;
  writeFileSync(outside, 'out:x:7:7::/outside:\n');
  symlinkSync(outside, join(root, 'etc/passwd'));
  expect(await home()).toEqual(['HOME=/']);
  rmSync(join(root, 'etc/passwd'));
  writeFileSync(join(root, 'etc/passwd'), PASSWD);
  expect(await home()).toEqual(['HOME=/home/ann']);
  expect(await home('HOME=')).toEqual(['HOME=/home/ann']);
  expect(await home('HOME=/mine')).toEqual(['HOME=/mine']);
  rmSync(root, { recursive: true });
  rmSync(outside);
});
