import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tagImage } from '../../src/image/images.ts';
import { parseReference } from '../../src/image/reference.ts';
import {
  eraseCredentials,
  findCredentials,
  storeCredentials,
} from '../../src/image/registry/credentials.ts';
import { login } from '../../src/image/registry/login.ts';
import { pullImage } from '../../src/image/registry/pull.ts';
import { pushImages } from '../../src/image/registry/push.ts';
import { temporaryStore } from '../../src/image/testing.ts';
import { imageOfLayers } from './images.ts';
import { NOBODYS_CONFIG, startRegistry, type TestRegistry } from './registry.ts';
import { startTokenServer, type TokenServer } from './tokens.ts';

const source = temporaryStore();
const { store } = source;
const home = mkdtempSync(join(tmpdir(), 'cloche-docker-'));
const config = join(home, 'config.json');
let basic: TestRegistry;
let bearer: TestRegistry;
let tokens: TokenServer;

beforeAll(async () => {
  process.env.DOCKER_CONFIG = home;
  await imageOfLayers(store, 'many:1', 4);
  tokens = await startTokenServer();
  basic = await startRegistry({ users: { alice: 'sec:ret' } });
  bearer = await startRegistry({ token: tokens });
}, 120_000);

beforeEach(() => rmSync(config, { force: true }));

afterAll(async () => {
  process.env.DOCKER_CONFIG = NOBODYS_CONFIG;
  tokens.stop();
  for (const registry of [basic, bearer]) await registry.stop();
  rmSync(home, { recursive: true });
  source.remove();
});

const alice = { username: 'alice', password: 'secret' };

async function push(registry: TestRegistry, path: string) {
  const name = `${registry.address}/${path}`;
  tagImage(store, 'many:1', name);
  return pushImages(store, [parseReference(name)]);
}

async function pull(registry: TestRegistry, path: string): Promise<void> {
  const other = temporaryStore();
  try {
    await pullImage(other.store, parseReference(`${registry.address}/${path}`));
  } finally {
    other.remove();
  }
}

test('Basic: who is not logged in is told how to, and who is may push and pull', async () => {
  const { address } = basic;
  await expect(pull(basic, 'a/b:1')).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    class: 'permission-denied',
    message: expect.stringContaining(`may require 'cloche login ${address}'`),
  });
  await login(address, { username: 'alice', password: 'sec:ret' });
  await push(basic, 'a/b:1');
  await pull(basic, 'a/b:1');
});

test('Basic: a wrong password is refused and not kept', async () => {
  await expect(login(basic.address, alice)).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
  });
  expect(existsSync(config)).toBe(false);
});

test('Bearer: anonymous may pull what is public, and nothing else', async () => {
  await login(bearer.address, alice);
  await push(bearer, 'public/one:1');
  await push(bearer, 'private/one:1');
  rmSync(config);
  await pull(bearer, 'public/one:1');
  await expect(pull(bearer, 'private/one:1')).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
  });
  await expect(push(bearer, 'public/two:1')).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining('denied'),
  });
});

test('Bearer: one token serves a whole pull, however many layers', async () => {
  await login(bearer.address, alice);
  await push(bearer, 'public/cached:1');
  const before = tokens.asked.length;
  await pull(bearer, 'public/cached:1');
  expect(tokens.asked.slice(before)).toEqual([
    { method: 'GET', scopes: 'repository:public/cached:pull', who: 'alice' },
  ]);
});

test('Bearer: requests at the same time share one token', async () => {
  await login(bearer.address, alice);
  const before = tokens.asked.length;
  await push(bearer, 'private/shared:1');
  const scopes = tokens.asked.slice(before).map((one) => one.scopes);
  expect(scopes[0]).toBe('repository:private/shared:pull,push');
  expect(scopes.length).toBe(new Set(scopes).size);
});

test('Bearer: a mount asks for a token of both repositories', async () => {
  await login(bearer.address, alice);
  await imageOfLayers(store, 'many:1', 2);
  await push(bearer, 'private/lender:1');
  const before = tokens.asked.length;
  await push(bearer, 'private/borrower:1');
  const scopes = tokens.asked.slice(before).map((one) => one.scopes);
  expect(scopes).toContain('repository:private/borrower:pull,push repository:private/lender:pull');
  expect(await bearer.log()).toMatch(/POST \S*from=private%2Flender\S* HTTP\S* 201 /);
});

test('Bearer: a token that has expired is replaced when the registry says so', async () => {
  await login(bearer.address, alice);
  tokens.nextIsExpired = true;
  const before = tokens.asked.length;
  await pull(bearer, 'public/one:1');
  expect(tokens.asked.length - before).toBe(2);
});

test('Bearer: a wrong password is refused in the words of the token server', async () => {
  const wrong = { username: 'alice', password: 'wrong' };
  await expect(login(bearer.address, wrong)).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining('incorrect username or password'),
  });
});

test('Bearer: an identity token is exchanged by POST', async () => {
  await storeCredentials(bearer.address, { identityToken: 'refresh-alice' });
  const before = tokens.asked.length;
  await pull(bearer, 'private/one:1');
  expect(tokens.asked[before]).toMatchObject({ method: 'POST', who: 'alice' });
});

test('the file is for its owner alone, and what else docker keeps in it stays', async () => {
  writeFileSync(
    config,
    JSON.stringify({ detachKeys: 'ctrl-x', auths: { other: { auth: 'eDp5' } } }),
  );
  chmodSync(config, 0o644);
  await storeCredentials('docker.io', alice);
  expect(statSync(config).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(config, 'utf8'))).toEqual({
    detachKeys: 'ctrl-x',
    auths: {
      other: { auth: 'eDp5' },
      'https://index.docker.io/v1/': { auth: btoa('alice:secret') },
    },
  });
  expect(await findCredentials('docker.io')).toEqual(alice);
  expect(await findCredentials('other')).toEqual({ username: 'x', password: 'y' });
  expect([await eraseCredentials('docker.io'), await eraseCredentials('docker.io')]).toEqual([
    true,
    false,
  ]);
});

test('credentials may be kept by a helper, one for all registries or one of its own', async () => {
  const bin = join(home, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'docker-credential-test'),
    HELPER.replaceAll('STORE', join(home, 'kept')),
  );
  chmodSync(join(bin, 'docker-credential-test'), 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  try {
    writeFileSync(
      config,
      JSON.stringify({ credHelpers: { [basic.address]: 'test' }, credsStore: '' }),
    );
    expect(await findCredentials(basic.address)).toBeUndefined();
    const kept = await login(basic.address, { username: 'alice', password: 'sec:ret' });
    expect(kept).toEqual({ helper: 'test' });
    expect(readFileSync(config, 'utf8')).not.toContain('c2Vj');
    await push(basic, 'helped/one:1');
    expect(await eraseCredentials(basic.address)).toBe(true);
    await expect(push(basic, 'helped/one:2')).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
    });
  } finally {
    process.env.PATH = path;
  }
});

test('a helper that is not installed is named', async () => {
  writeFileSync(config, JSON.stringify({ credsStore: 'nowhere' }));
  await expect(findCredentials('docker.io')).rejects.toMatchObject({
    code: 'CREDENTIAL_HELPER',
    message: "there is no program 'docker-credential-nowhere'",
  });
});

test('a config that is not JSON is named, and not overwritten', async () => {
  writeFileSync(config, '{oops');
  await expect(storeCredentials('docker.io', alice)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  expect(readFileSync(config, 'utf8')).toBe('{oops');
});

/** Keeps what it is given in a file, a whole JSON for all servers. */
const HELPER = `#!/bin/sh
case "$1" in
  store) cat > STORE ;;
  get) cat >/dev/null; [ -f STORE ] && cat STORE || { echo 'credentials not found in native keychain'; exit 1; } ;;
  erase) cat >/dev/null; rm STORE ;;
esac
`;
