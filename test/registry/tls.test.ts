import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';
import { tagImage } from '../../src/image/images.ts';
import { parseReference } from '../../src/image/reference.ts';
import { PATIENCE } from '../../src/image/registry/patience.ts';
import { pullImage } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { imageOfFiles, temporaryStore } from '../../src/image/testing.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { startHostile } from './hostile.ts';
import { startRegistry, type TestRegistry } from './registry.ts';

const source = temporaryStore();
const { store } = source;
const patience = { ...PATIENCE, pause: 5 };
let certificate: Certificate;
let open: TestRegistry;
let closed: TestRegistry;

beforeAll(async () => {
  certificate = await makeCertificate();
  open = await startRegistry({ tls: certificate });
  closed = await startRegistry({ tls: { ...certificate, clients: certificate.certificate } });
  await imageOfFiles(store, 'one:1', { 'etc/motd': 'hello' });
}, 120_000);

/** Trusts nobody whom the config does not name, not even the loopback. */
beforeEach(() => {
  rmSync(join(store.root, 'certs.d'), { recursive: true, force: true });
  configure(open.address, { insecure: false });
});

afterAll(async () => {
  for (const registry of [open, closed]) await registry.stop();
  certificate.remove();
  source.remove();
});

function configure(address: string, about: { insecure?: boolean; mirrors?: string[] }): void {
  writeFileSync(
    join(store.root, 'config.json'),
    JSON.stringify({ registries: { [address]: about } }),
  );
}

/** As /etc/docker/certs.d, in the state directory. */
function certify(address: string, files: Record<string, string>): void {
  const folder = join(store.root, 'certs.d', address);
  mkdirSync(folder, { recursive: true });
  for (const [name, from] of Object.entries(files)) copyFileSync(from, join(folder, name));
}

async function push(address: string): Promise<string> {
  const name = `${address}/team/one:1`;
  tagImage(store, 'one:1', name);
  await pushImages(store, [parseReference(name)], { patience });
  return name;
}

test('a certificate that nobody has vouched for is refused, with what to do', async () => {
  await expect(push(open.address)).rejects.toMatchObject({
    code: 'REGISTRY_TLS',
    message: `the certificate of '${open.address}' cannot be trusted`,
    hint: expect.stringContaining(`/etc/docker/certs.d/${open.address}/ca.crt`),
  });
});

test('the authority that is kept for a registry vouches for it', async () => {
  certify(open.address, { 'ca.crt': certificate.certificate });
  const name = await push(open.address);
  await pullImage(store, parseReference(name), { patience });
});

test('NODE_EXTRA_CA_CERTS vouches, too', async () => {
  const bun = process.execPath;
  const main = join(import.meta.dir, '../../src/cli/main.ts');
  const env = { ...process.env, CLOCHE_ROOT: store.root };
  tagImage(store, 'one:1', `${open.address}/team/one:1`);
  const push = $`${bun} ${main} push -q ${open.address}/team/one:1`.quiet().nothrow();
  const { exitCode, stdout } = await push.env({
    ...env,
    NODE_EXTRA_CA_CERTS: certificate.certificate,
  });
  expect([exitCode, stdout.toString()]).toEqual([0, `${open.address}/team/one:1\n`]);
});

test('a registry that is called insecure is taken as it is, by file or by environment', async () => {
  configure(open.address, { insecure: true });
  await push(open.address);
  configure(open.address, {});
  process.env.CLOCHE_INSECURE_REGISTRIES = `other:5000, ${open.address}`;
  await push(open.address).finally(() => delete process.env.CLOCHE_INSECURE_REGISTRIES);
});

test('who must show a certificate shows the one that is kept for the registry', async () => {
  configure(closed.address, { insecure: false });
  certify(closed.address, { 'ca.crt': certificate.certificate });
  await expect(push(closed.address)).rejects.toMatchObject({ class: 'unavailable' });
  certify(closed.address, { 'me.cert': certificate.certificate, 'me.key': certificate.key });
  await push(closed.address);
});

test('a registry of plain http that is not called insecure is not spoken to', async () => {
  const plain = await startRegistry();
  configure(plain.address, { insecure: false });
  await expect(push(plain.address)).rejects.toMatchObject({
    code: 'REGISTRY_TLS',
    message: `'${plain.address}' does not speak https`,
    hint: expect.stringContaining('CLOCHE_INSECURE_REGISTRIES'),
  });
  await plain.stop();
});

test('a mirror is asked first, and the registry itself when the mirror has not got it', async () => {
  const mirror = await startRegistry();
  configure(open.address, { insecure: true });
  const name = await push(open.address);
  configure(open.address, { insecure: true, mirrors: [`http://${mirror.address}`] });
  await pullImage(store, parseReference(name), { patience });
  expect(await mirror.log()).toContain('"GET /v2/team/one/manifests/1 HTTP/1.1" 404');
  const log = await open.log();
  await push(mirror.address);
  await pullImage(store, parseReference(name), { patience });
  expect(await open.log()).toBe(log);
  await mirror.stop();
});

test('a mirror that fails in the middle is left for the registry itself', async () => {
  const mirror = startHostile(store, 'one:1');
  mirror.misbehave((_, { pathname }) =>
    pathname.includes('/blobs/') ? new Response(null, { status: 404 }) : undefined,
  );
  configure(open.address, { insecure: true });
  const name = await push(open.address);
  configure(open.address, { insecure: true, mirrors: [`http://${mirror.address}`] });
  const other = temporaryStore();
  copyFileSync(join(store.root, 'config.json'), join(other.store.root, 'config.json'));
  await pullImage(other.store, parseReference(name), { patience });
  expect(mirror.asked.some((line) => line.includes('/blobs/'))).toBe(true);
  other.remove();
  mirror.stop();
});

test('a config that makes no sense is named with what is wrong in it', async () => {
  writeFileSync(join(store.root, 'config.json'), '{"registries": {"x": {"insecure": "yes"}}}');
  await expect(push(open.address)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('registries.x.insecure'),
  });
});
