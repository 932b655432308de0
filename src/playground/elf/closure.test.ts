import { afterAll, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RootView } from '../observe/root.ts';
import { closure } from './closure.ts';
import { type ElfWish, elfFile } from './synthetic.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloche-closure-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files that `ldd` prints, behind all links. */
function ldd(path: string): string[] {
  const lines = Bun.spawnSync(['ldd', path]).stdout.toString().split('\n');
  const paths = lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return paths.map((one) => new RootView('/').resolve(one) ?? one);
}

for (const path of ['/bin/bash', '/bin/ls', '/bin/cat', '/usr/bin/apt-get']) {
  test(`the closure of ${path} on this machine is what ldd prints`, () => {
    const { found, missing } = closure([path], new RootView('/'));
    const program = new RootView('/').resolve(path) ?? path;
    expect(missing).toEqual([]);
    expect([...found.keys()].sort()).toEqual([program, ...ldd(path)].sort());
  });
}

/** A root with made-up files. */
function root(files: Record<string, ElfWish | string>): RootView {
  const host = mkdtempSync(join(folder, 'root-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(host, path)), { recursive: true });
    writeFileSync(join(host, path), typeof content === 'string' ? content : elfFile(content));
  }
  return new RootView(host);
}

const ARM = 183;
const LOADER = '/lib/ld-linux-aarch64.so.1';

test('an arm64 jail without its loader misses exactly the loader', () => {
  const jail = root({
    '/bin/bash': { machine: ARM, interpreter: LOADER, needed: ['libc.so.6'] },
    '/lib/aarch64-linux-gnu/libc.so.6': { machine: ARM, needed: ['ld-linux-aarch64.so.1'] },
  });
  expect(closure(['/bin/bash'], jail).missing).toEqual([
    { what: 'loader', name: LOADER, by: '/bin/bash' },
  ]);
});

test('what a library needs is needed too', () => {
  const jail = root({
    '/bin/ls': { machine: ARM, interpreter: LOADER, needed: ['libselinux.so.1'] },
    [LOADER]: { machine: ARM },
    '/lib/libselinux.so.1': { machine: ARM, needed: ['libpcre2-8.so.0'] },
  });
  expect(closure(['/bin/ls'], jail).missing).toEqual([
    { what: 'library', name: 'libpcre2-8.so.0', by: '/lib/libselinux.so.1' },
  ]);
});

test('a library of another architecture is stepped over', () => {
  const jail = root({
    '/bin/cat': { machine: ARM, needed: ['libc.so.6'] },
    '/lib/libc.so.6': { machine: 62 },
  });
  expect(closure(['/bin/cat'], jail).missing.map(({ name }) => name)).toEqual(['libc.so.6']);
});

test('RUNPATH with $ORIGIN is searched, and not for the libraries of a library', () => {
  const jail = root({
    '/opt/bin/app': { machine: ARM, needed: ['liba.so'], runpath: '$ORIGIN/../lib' },
    '/opt/lib/liba.so': { machine: ARM, needed: ['libb.so'] },
    '/opt/lib/libb.so': { machine: ARM },
  });
  const { found, missing } = closure(['/opt/bin/app'], jail);
  expect([...found.keys()]).toEqual(['/opt/bin/app', '/opt/lib/liba.so']);
  expect(missing.map(({ name }) => name)).toEqual(['libb.so']);
});

test('RPATH holds for the libraries of a library too', () => {
  const jail = root({
    '/opt/bin/app': { machine: ARM, needed: ['liba.so'], rpath: '/opt/lib' },
    '/opt/lib/liba.so': { machine: ARM, needed: ['libb.so'] },
    '/opt/lib/libb.so': { machine: ARM },
  });
  expect(closure(['/opt/bin/app'], jail).missing).toEqual([]);
});

test('ld.so.conf counts only beside a cache, since the loader reads nothing else', () => {
  const files = {
    '/bin/app': { machine: ARM, needed: ['libx.so'] },
    '/opt/x/libx.so': { machine: ARM },
    '/etc/ld.so.conf': 'include /etc/ld.so.conf.d/*.conf # all of them\n',
    '/etc/ld.so.conf.d/x.conf': '/opt/x\n',
  };
  expect(closure(['/bin/app'], root(files)).missing).toHaveLength(1);
  expect(closure(['/bin/app'], root({ ...files, '/etc/ld.so.cache': '' })).missing).toEqual([]);
});

test('a jail that was filled from its closure starts', () => {
  const jail = mkdtempSync(join(folder, 'jail-'));
  const host = new RootView('/');
  for (const path of [
    '/bin/bash',
    ...(Bun.spawnSync(['ldd', '/bin/bash']).stdout.toString().match(/\/\S+/g) ?? []),
  ]) {
    mkdirSync(dirname(join(jail, path)), { recursive: true });
    copyFileSync(host.resolve(path) ?? path, join(jail, path));
  }
  expect(closure(['/bin/bash'], new RootView(jail)).missing).toEqual([]);
  const inside = Bun.spawnSync(['chroot', jail, '/bin/bash', '-c', 'echo $((6*7))']);
  expect(inside.stdout.toString()).toBe('42\n');
});
