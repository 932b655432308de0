import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';
import { PROGRAM } from './cli.ts';

/** What a bundle asks for that is the host's, and what becomes of the host. */
setDefaultTimeout(60_000);
let bundles: Bundles;

beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

test('without a mount namespace of its own a container mounts nothing: the host’s tree stays as it was', async () => {
  const path = await bundles.bundle('hosts-mounts', 'ls -d /etc; ls /proc | wc -l', (spec) => ({
    ...spec,
    root: { ...spec.root, readonly: false },
    mounts: [],
    linux: {
      resources: spec.linux?.resources,
      namespaces: spec.linux?.namespaces?.filter(({ type }) => type !== 'mount'),
    },
  }));
  const seen = (name: string) => join(bundles.scratch, `mounts.${name}`);
  const look = (name: string) => `cat /proc/self/mountinfo > ${seen(name)}`;
  const run = `${PROGRAM} oci --root ${bundles.scratch}/state run --bundle ${path} hosts-mounts`;
  // This "host" is a namespace of the test's own, shared as systemd has it.
  const script = `mount --make-rshared / && ${look('before')} && ${run}; code=$?; ${look('after')}; exit $code`;
  const child = Bun.spawn(['unshare', '--mount', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect({ code: await child.exited, out, err }).toEqual({ code: 0, out: '/etc\n0\n', err: '' });
  expect(readFileSync(seen('before'), 'utf8')).toContain(' shared:');
  expect(readFileSync(seen('after'), 'utf8')).toBe(readFileSync(seen('before'), 'utf8'));
});
