import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { $ } from 'bun';
import { makeBase } from '../src/image/bases/make.ts';
import { recipeOf } from '../src/image/bases/recipe.ts';
import {
  getImage,
  type Image,
  openStore,
  parseReference,
  removeTree,
  type Store,
  stackOf,
  tagImage,
} from '../src/image/index.ts';
import { blobPath } from '../src/image/store.ts';
import { cgroupOf } from '../src/linux/cgroup/cgroup.ts';
import { detectCgroups } from '../src/linux/cgroup/detect.ts';

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
    await makeHere(store, 'debian:bookworm');
    store.db.close();
  });
  return SHARED;
}

/** Makes a base on this machine, even if its registry is in reach; says how far it is. */
export function makeHere(store: Store, text: string): Promise<Image> {
  const name = parseReference(text);
  const recipe = recipeOf(name);
  if (recipe === undefined) throw new Error(`${text} is no base`);
  return makeBase(store, name, recipe, {
    onProgress: ({ phase, text: line }) =>
      phase !== 'debootstrap' && phase !== 'apt' && console.error(line),
  });
}

/**
 * A CLOCHE_ROOT of one's own with `debian:bookworm` in it and nothing else, in a fifth of a second:
 * committed layers are never written to, so hard links will do. It is the process's CLOCHE_ROOT until
 * `remove` is called.
 */
export async function freshBaseRoot(): Promise<{ root: string; remove: () => void }> {
  const shared = openStore(await baseRoot());
  const root = mkdtempSync(join(CACHE, 'root-'));
  const store = openStore(root);
  const image = getImage(shared, 'debian:bookworm');
  const [layer] = stackOf(shared, image.chainId);
  if (layer === undefined) throw new Error('the base has no layer');
  const blobs = [image.manifest, image.id, layer.blob.digest];
  for (const digest of blobs) linkSync(blobPath(shared, digest), blobPath(store, digest));
  await $`cp -al ${dirname(layer.directory)} ${root}/snapshots`;
  copyRows(shared, store, image.manifest, layer.chainId);
  tagImage(store, image.id, 'debian:bookworm');
  for (const one of [shared, store]) one.db.close();
  const before = process.env.CLOCHE_ROOT;
  process.env.CLOCHE_ROOT = root;
  return {
    root,
    remove: () => {
      setRoot(before);
      endOn(root);
      removeTree(root);
    },
  };
}

/**
 * Kills what still lives on layers of `root`, in a mount namespace of its own: containers of a test that failed
 * before it removed them. They would outlive the tests, and hold open what these print to.
 */
function endOn(root: string): void {
  const own = readlinkSync('/proc/self/ns/mnt');
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) === own) continue;
      if (!readFileSync(`/proc/${pid}/mountinfo`, 'utf8').includes(basename(root))) continue;
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      const cgroup = cgroupOf(detectCgroups(), Number(pid));
      process.kill(Number(pid), 'SIGKILL');
      // On v1 who is frozen dies when he is not any more.
      if (cgroup.isHeld()) cgroup.thaw();
      console.error(`left by a test and killed: ${name}`);
    } catch {
      // It has just ended by itself.
    }
  }
}

function copyRows(from: Store, to: Store, manifest: string, chain: string): void {
  to.db.run('ATTACH ? AS shared', [join(from.root, 'cloche.db')]);
  to.db.run('INSERT INTO snapshots SELECT * FROM shared.snapshots WHERE chain = ?', [chain]);
  to.db.run('INSERT INTO images SELECT * FROM shared.images WHERE manifest = ?', [manifest]);
  to.db.run('DETACH shared');
}

/** `perform` keeps its walker in the CLOCHE_ROOT of the process. */
async function withRoot(root: string, action: () => Promise<void>): Promise<void> {
  const before = process.env.CLOCHE_ROOT;
  process.env.CLOCHE_ROOT = root;
  try {
    await action();
  } finally {
    setRoot(before);
  }
}

function setRoot(root: string | undefined): void {
  if (root === undefined) delete process.env.CLOCHE_ROOT;
  else process.env.CLOCHE_ROOT = root;
}
