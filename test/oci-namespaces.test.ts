import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Linux, NamespaceType, Spec } from '../src/runtime/index.ts';
import { agent } from './agent.ts';
import { BASE_TIMEOUT } from './base.ts';
import { type Bundles, openBundles } from './bundles.ts';

/** Namespaces that are joined by their paths, as the containers of a pod join those of the first. */
setDefaultTimeout(60_000);
let bundles: Bundles;
const oci = (...args: string[]) => bundles.oci(...args);

beforeAll(async () => {
  bundles = await openBundles();
}, BASE_TIMEOUT);

afterAll(() => bundles.remove());

/** A process in namespaces of its own, which lives until `end`. */
async function holder(...flags: string[]) {
  const child = Bun.spawn(['unshare', ...flags, 'sh', '-c', 'echo there; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await child.stdout.getReader().read();
  const end = async () => {
    child.kill('SIGKILL');
    await child.exited;
  };
  return { at: (name: string) => `/proc/${child.pid}/ns/${name}`, end };
}

/** Without what a user namespace may not mount or hide over what it does not own, and no group 5 in it. */
function modest(
  spec: Spec,
  change: Omit<Linux, 'namespaces'>,
  paths: Partial<Record<NamespaceType, string>>,
) {
  const kept = (spec.linux?.namespaces ?? []).filter(({ type }) => paths[type] === undefined);
  const joined = Object.entries(paths).map(([type, path]) => ({ type, path }));
  return {
    ...spec,
    hostname: undefined,
    mounts: (spec.mounts ?? [])
      .filter(({ destination }) => !destination.startsWith('/sys'))
      .map((mount) => ({ ...mount, options: mount.options?.filter((one) => one !== 'gid=5') })),
    linux: { namespaces: [...kept, ...joined], ...change },
  };
}

const SHOW =
  'id -u; cat /proc/self/uid_map; readlink /proc/self/ns/net /proc/self/ns/user; echo > /dev/null';

test('a fresh user namespace can join the network of somebody else', async () => {
  const net = await holder('--net');
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const path = await bundles.bundle('pod', SHOW, (spec) => {
    const made = modest(
      spec,
      { uidMappings: mappings, gidMappings: mappings },
      { network: net.at('net') },
    );
    return {
      ...made,
      linux: { ...made.linux, namespaces: [...made.linux.namespaces, { type: 'user' }] },
    };
  });
  const { code, out, err } = await oci('run', '--bundle', path, 'pod');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^0\n +0 +100000 +65536\n/);
  expect(out).toContain(readlinkSync(net.at('net')));
  await net.end();
});

test('a terminal comes through from a user namespace that was joined', async () => {
  const one = await holder('--user', '--map-root-user');
  const path = await bundles.bundle('joins-tty', 'tty; exit 4', (spec) => {
    const made = modest(spec, {}, { user: one.at('user') });
    return { ...made, process: { ...spec.process, terminal: true } };
  });
  expect(await oci('run', '--bundle', path, 'joins-tty')).toMatchObject({
    ...{ code: 4, out: '/dev/pts/0\r\n', err: '' },
  });
  await one.end();
});

test('seccomp’s listener comes through from a user namespace that was joined', async () => {
  const one = await holder('--user', '--map-root-user');
  const listenerPath = join(bundles.scratch, 'agent');
  const asks = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_NOTIFY' };
  const policy = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath, syscalls: [asks] };
  const path = await bundles.bundle('joins-asking', 'mkdir /dev/one 2>&1', (spec) =>
    modest(spec, { seccomp: policy }, { user: one.at('user') }),
  );
  const there = await agent(listenerPath, [122]);
  const ran = await oci('run', '--bundle', path, 'joins-asking');
  expect(ran.out).toContain('Disk quota exceeded');
  expect((await there.heard()).told.state.id).toBe('joins-asking');
  await one.end();
});

test('a user namespace is joined by path, alone and with others, and exec follows', async () => {
  const one = await holder('--user', '--net', '--ipc', '--uts', '--map-root-user');
  const alone = await bundles.bundle('joins', SHOW, (spec) =>
    modest(spec, {}, { user: one.at('user') }),
  );
  const { code, out, err } = await oci('run', '--bundle', alone, 'joins');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^0\n +0 +0 +1\n/);
  expect(out).toContain(readlinkSync(one.at('user')));
  const paths = {
    user: one.at('user'),
    network: one.at('net'),
    ipc: one.at('ipc'),
    uts: one.at('uts'),
  };
  const all = await bundles.bundle('joins-all', 'sleep 600', (spec) => modest(spec, {}, paths));
  expect(await oci('run', '--detach', '--bundle', all, 'joins-all')).toMatchObject({
    code: 0,
    err: '',
  });
  const shown = await oci('exec', 'joins-all', 'sh', '-c', SHOW);
  expect(shown).toMatchObject({ code: 0, err: '' });
  for (const name of ['net', 'user']) expect(shown.out).toContain(readlinkSync(one.at(name)));
  expect((await oci('delete', '--force', 'joins-all')).code).toBe(0);
  await one.end();
});
