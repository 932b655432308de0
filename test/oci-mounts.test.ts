import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spec } from '../src/runtime/index.ts';
import type { Mount } from '../src/runtime/spec.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** What `mounts` of a config ask for, seen from inside. */
let bundles: Bundles;
beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);
afterAll(() => bundles.remove());

const mounting =
  (mount: Mount) =>
  (spec: Spec): Spec => ({ ...spec, mounts: [...(spec.mounts ?? []), mount] });

/** A mount that is shared, with another one in it, in a mount namespace of its own. */
const SHARED = `mount -t tmpfs outer "$1" && mount --make-shared "$1" && mkdir "$1/sub" &&
  mount -t tmpfs inner "$1/sub" && shift && exec "$@"`;

let count = 0;
/** Attributes and peer groups of the two inside, the groups without their numbers. */
async function seen(options: string): Promise<string[]> {
  const name = `shared-${count++}`;
  const source = join(bundles.scratch, `${name}-source`);
  mkdirSync(source);
  const script = "grep ' /mnt' /proc/self/mountinfo | cut -d' ' -f6-7";
  const mount = { destination: '/mnt', type: 'bind', source, options: options.split(',') };
  const bundle = await bundles.bundle(name, script, mounting(mount));
  const run = [PROGRAM, 'oci', '--root', join(bundles.scratch, 'state'), 'run', '-b', bundle, name];
  const inside = ['unshare', '--mount', 'sh', '-c', SHARED, 'sh', source, ...run];
  const { stdout, stderr } = Bun.spawnSync(inside, { stdio: ['ignore', 'pipe', 'pipe'] });
  expect(stderr.toString()).toBe('');
  const lines = stdout.toString().trim().split('\n');
  return lines.map((line) => line.replace(/,relatime/, '').replace(/:\d+/, ''));
}

test.each([
  ['rbind', ['rw master', 'rw master']],
  ['rbind,private', ['rw -', 'rw master']],
  ['rbind,rprivate', ['rw -', 'rw -']],
  ['rbind,shared', ['rw shared', 'rw master']],
])('the copy of a shared mount, bound with %s, is %j', async (options, wanted) => {
  expect(await seen(options)).toEqual(wanted);
});

test.each([
  ['rbind,rnosuid,ro', ['ro,nosuid master', 'rw,nosuid master']],
  ['rbind,rro,nosuid', ['ro,nosuid master', 'ro master']],
  ['rbind,ro,rrw', ['ro master', 'rw master']],
])('what %s gives to what is mounted below is no more than it says', async (options, wanted) => {
  expect(await seen(options)).toEqual(wanted);
});

test('a relative source is the bundle’s', async () => {
  const mount = { destination: '/mnt', source: 'given', options: ['bind'] };
  const bundle = await bundles.bundle('relative', 'cat /mnt/file', mounting(mount));
  mkdirSync(join(bundle, 'given'));
  writeFileSync(join(bundle, 'given/file'), 'here');
  expect(await bundles.oci('run', '-b', bundle, 'relative')).toMatchObject({
    code: 0,
    out: 'here',
  });
});

test('flags that a new filesystem does not know are no error', async () => {
  const options = ['silent', 'iversion', 'acl', 'noiversion', 'size=64k'];
  const mount = { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options };
  const bundle = await bundles.bundle('flags', 'stat -f -c %T /mnt', mounting(mount));
  expect(await bundles.oci('run', '-b', bundle, 'flags')).toMatchObject({
    code: 0,
    out: 'tmpfs\n',
  });
});

test('a tmpfs with tmpcopyup begins with what lies below it, and keeps changes to itself', async () => {
  const options = ['tmpcopyup', 'nosuid', 'size=1m'];
  const mount = { destination: '/etc', type: 'tmpfs', source: 'tmpfs', options };
  const script =
    'head -c 4 /etc/passwd; echo changed > /etc/passwd; cat /etc/passwd; ls -d /etc/l*r';
  const bundle = await bundles.bundle('copyup', script, mounting(mount));
  for (const name of ['copyup-1', 'copyup-2']) {
    const ran = await bundles.oci('run', '-b', bundle, name);
    expect(ran.out).toBe('rootchanged\n');
  }
});

test('a directory that is copied up keeps its owner and mode, unless another is asked for', async () => {
  for (const [options, wanted] of [
    ['tmpcopyup', '1777:0'],
    ['tmpcopyup,mode=700', '700:0'],
  ] as const) {
    const mount = {
      destination: '/tmp',
      type: 'tmpfs',
      source: 'tmpfs',
      options: options.split(','),
    };
    const name = `mode-${wanted.slice(0, 3)}`;
    const bundle = await bundles.bundle(name, 'stat -c %a:%u /tmp', mounting(mount));
    expect(await bundles.oci('run', '-b', bundle, name)).toMatchObject({ out: `${wanted}\n` });
  }
});
