import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClocheError } from '../../error.ts';
import { reconcile } from '../collect.ts';
import { findImage } from '../images.ts';
import { resolveImage } from '../pull.ts';
import { parseReference } from '../reference.ts';
import { stackOf } from '../snapshots.ts';
import type { Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { type BaseOptions, makeBase } from './make.ts';
import { recipeOf } from './recipe.ts';

let store: Store;
let remove: () => void;
let tools: string;
const path = process.env.PATH;

/** A debootstrap that makes what the image needs and nothing more, so that killing it is quick. */
const SKELETON = `eval target=\\\${$(($# - 1))}
mkdir -p $target/etc/apt/apt.conf.d $target/etc/apt/sources.list.d $target/etc/dpkg/dpkg.cfg.d
mkdir -p $target/usr/sbin $target/usr/share/doc/p $target/usr/share/man/man1 $target/var/lib/apt/lists
mkdir -p $target/var/cache/apt $target/var/log $target/dev $target/run $target/tmp $target/usr/share/keyrings
echo x > $target/usr/share/doc/p/copyright; echo x > $target/usr/share/doc/p/README
echo x > $target/usr/share/man/man1/p.1; echo secret > $target/etc/hostname
cp /usr/share/keyrings/debian-archive-keyring.gpg $target/usr/share/keyrings/`;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
  tools = mkdtempSync(join(tmpdir(), 'cloche-tools-'));
  process.env.PATH = `${tools}:${path}`;
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(tools, { recursive: true });
  remove();
});

const debootstrap = (script: string) =>
  writeFileSync(join(tools, 'debootstrap'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });

const active = () =>
  readdirSync(join(store.root, 'snapshots')).filter((name) => name.startsWith('active'));

/** Not pulled, whether or not a registry is in reach. */
function make(text: string, options: BaseOptions = {}) {
  const name = parseReference(text);
  const recipe = recipeOf(name);
  if (recipe === undefined) throw new Error(`${text} is no base`);
  return makeBase(store, name, recipe, options);
}

const failing = (making: Promise<unknown>) =>
  making.then(
    () => {
      throw new Error('it was made');
    },
    (error: ClocheError) => error,
  );

test('slim images lose their documentation but not the licences', async () => {
  debootstrap(SKELETON);
  const image = await make('debian:bookworm-slim');
  const root = stackOf(store, image.chainId)[0]?.directory ?? '';
  expect(readdirSync(join(root, 'usr/share/doc/p'))).toEqual(['copyright']);
  expect(readdirSync(join(root, 'usr/share/man'))).toEqual([]);
  expect(readFileSync(join(root, 'etc/dpkg/dpkg.cfg.d/docker'), 'utf8')).toContain(
    'path-exclude /usr/share/man/*\n',
  );
  expect(readFileSync(join(root, 'etc/hostname'), 'utf8')).toBe('');
});

test('two that want the same base make it once, and the second says that it waits', async () => {
  debootstrap(`echo made >> ${tools}/count; sleep 0.3; ${SKELETON}`);
  const said: string[] = [];
  const onProgress = ({ phase }: { phase: string }) => said.push(phase);
  const [one, two] = await Promise.all([
    make('debian:bookworm', { onProgress }),
    make('debian:bookworm', { onProgress }),
  ]);
  expect(one).toEqual(two);
  expect(readFileSync(join(tools, 'count'), 'utf8')).toBe('made\n');
  expect(said.filter((phase) => phase === 'wait')).toHaveLength(1);
});

test('stopped halfway it leaves nothing, and what debootstrap started is dead', async () => {
  debootstrap(`echo $$ > ${tools}/pid; sleep 30 & echo I: begun; wait`);
  const stop = new AbortController();
  const error = await make('debian:bookworm', {
    onProgress: ({ text }) => text === 'begun' && stop.abort(new Error('whoever stopped it')),
    signal: stop.signal,
  }).catch((e: Error) => e);
  expect((error as Error).message).toBe('whoever stopped it');
  expect([active(), findImage(store, 'debian:bookworm')]).toEqual([[], undefined]);
});

test('killed halfway, the next command removes what it left, and nothing goes on', async () => {
  const marker = join(tools, 'still alive');
  debootstrap(`echo I: begun; sleep 1; touch '${marker}'`);
  const script = `
    const image = await import(${JSON.stringify(join(import.meta.dir, '../index.ts'))});
    const { makeBase } = await import(${JSON.stringify(join(import.meta.dir, 'make.ts'))});
    const what = { kind: 'debian', suite: 'bookworm', slim: false };
    const store = image.openStore(${JSON.stringify(store.root)});
    await makeBase(store, image.parseReference('debian:bookworm'), what, {
      onProgress: ({ text }) => text === 'begun' && process.kill(process.pid, 'SIGKILL') });`;
  await Bun.spawn([process.execPath, '-e', script], { env: process.env }).exited;
  expect(active()).toHaveLength(1);
  reconcile(store);
  expect([active(), findImage(store, 'debian:bookworm')]).toEqual([[], undefined]);
  await Bun.sleep(1300);
  expect(existsSync(marker)).toBe(false);
});

test.each([
  ['E: No such script: /usr/share/debootstrap/scripts/x', 'SUITE_UNKNOWN'],
  ['E: Failed getting release file http://x/debian/dists/x/Release', 'MIRROR_UNREACHABLE'],
  ['E: Release signed by unknown key', 'DEBOOTSTRAP_FAILED'],
])('%s is %s, and nothing is left', async (line, code) => {
  debootstrap(`echo '${line}' >&2; exit 1`);
  expect(await failing(make('debian:bookworm'))).toMatchObject({ code });
  expect(active()).toEqual([]);
});

test('without debootstrap the error says how to get it', async () => {
  mkdirSync(join(tools, 'empty'));
  process.env.PATH = join(tools, 'empty');
  expect(await failing(make('debian:bookworm'))).toMatchObject({
    code: 'DEBOOTSTRAP_MISSING',
    hint: 'apt-get install debootstrap',
  });
});

test('an image that is neither here nor made here is an error in docker’s words', async () => {
  const error = await failing(resolveImage(store, 'nowhere.invalid/at-all'));
  expect(error).toMatchObject({ code: 'IMAGE_NOT_FOUND', class: 'not-found' });
  expect(error.message).toStartWith(
    "unable to find image 'nowhere.invalid/at-all:latest' locally, ",
  );
  expect(error.hint).toContain('debian, ');
});
