import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { $ } from 'bun';
import { openStore, resolveImage } from '../src/image/index.ts';

/** Beside the code, so that it outlives the tests and is on one file system with the copies. */
const CACHE = resolve(import.meta.dir, '../.cache');
const SHARED = join(CACHE, 'test-root');

/** Making the base takes half a minute the first time: give `beforeAll` this much, in milliseconds. */
export const BASE_TIMEOUT = 300_000;

/**
 * A CLOCHE_ROOT that holds `debian:bookworm`, made once for all tests on this machine and kept.
 * Others use it at the same time, so leave it as it was; who counts what is left behind, or removes
 * images, takes `freshBaseRoot`.
 *
 * @example beforeAll(async () => { process.env.CLOCHE_ROOT = await baseRoot(); }, BASE_TIMEOUT);
 */
export async function baseRoot(): Promise<string> {
  mkdirSync(SHARED, { recursive: true });
  await withRoot(SHARED, async () => {
    const store = openStore(SHARED);
    await resolveImage(store, 'debian:bookworm', {
      onProgress: ({ phase, text }) => phase !== 'debootstrap' && console.error(text),
    });
    store.db.close();
  });
  return SHARED;
}

/**
 * A CLOCHE_ROOT of one's own with `debian:bookworm` in it, in a fifth of a second: committed layers
 * are never written to, so hard links will do. Call `remove` at the end.
 */
export async function freshBaseRoot(): Promise<{ root: string; remove: () => void }> {
  const shared = await baseRoot();
  const root = mkdtempSync(join(CACHE, 'root-'));
  const db = openStore(shared).db;
  db.run('VACUUM INTO ?', [join(root, 'cloche.db')]);
  db.close();
  for (const name of ['tmp', 'cache/debs']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['oci-layout', 'index.json']) cpSync(join(shared, name), join(root, name));
  await $`cp -al ${shared}/blobs ${shared}/snapshots ${root}`;
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** `perform` keeps its walker in the CLOCHE_ROOT of the process. */
async function withRoot(root: string, action: () => Promise<void>): Promise<void> {
  const before = process.env.CLOCHE_ROOT;
  process.env.CLOCHE_ROOT = root;
  try {
    await action();
  } finally {
    if (before === undefined) delete process.env.CLOCHE_ROOT;
    else process.env.CLOCHE_ROOT = before;
  }
}
