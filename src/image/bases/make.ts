import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findImage, type Image, writeImage } from '../images.ts';
import { ARCHITECTURE, type ImageConfig } from '../manifest.ts';
import { familiar, type Reference } from '../reference.ts';
import { commit, discard, prepare, type Snapshot } from '../snapshots.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { debootstrap } from './debootstrap.ts';
import { finish } from './finish.ts';
import { type Mirror, mirrorFor } from './mirror.ts';
import type { Suite } from './suite.ts';

/** How far the making of a base image is, for whoever shows it. */
export interface BaseProgress {
  /** `wait`: another process makes the same one. */
  readonly phase: 'wait' | 'begin' | 'debootstrap' | 'commit' | 'done';
  /** The image's familiar name. */
  readonly image: string;
  /** One line, for people. */
  readonly text: string;
}

export interface BaseOptions {
  readonly onProgress?: ((progress: BaseProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a Debian base image on this machine and tags it with its name on Docker Hub. Two processes
 * that want the same one make it once. Killed at any moment, it leaves no image but whole ones; its
 * directory is removed by the next command.
 *
 * @throws {ClocheError} as `debootstrap`
 */
export async function makeBase(
  store: Store,
  name: Reference,
  what: Suite,
  options: BaseOptions = {},
): Promise<Image> {
  const image = familiar(name);
  const say = (phase: BaseProgress['phase'], text: string) =>
    options.onProgress?.({ phase, image, text });
  const make = async () => {
    const ready = findImage(store, image);
    if (ready !== undefined) return ready;
    const mirror = await mirrorFor(what.suite);
    say('begin', `making ${image} on this machine with debootstrap from ${mirror.uri}`);
    const layer = await makeLayer(store, what, mirror, options, say);
    const made = writeImage(store, configFor(what, mirror, layer), [name]);
    say('done', `made ${image} on this machine, it is not Docker Hub's`);
    return made;
  };
  return whileWorking(store.db, `base ${image}`, make, {
    onWait: () => say('wait', `waiting for another process that makes ${image}`),
    signal: options.signal,
  });
}

async function makeLayer(
  store: Store,
  { suite, slim }: Suite,
  mirror: Mirror,
  { signal }: BaseOptions,
  say: (phase: BaseProgress['phase'], text: string) => void,
): Promise<Snapshot> {
  const active = prepare(store, undefined);
  try {
    await debootstrap({
      ...{ suite, mirror, signal, target: active.upper, cache: join(store.root, 'cache/debs') },
      onLine: (line) => say('debootstrap', line.replace(/^[IW]: /, '')),
    });
    finish(active.upper, mirror, slim);
    bringKeyring(active.upper, mirror.keyring);
    say('commit', 'writing the layer');
    return await commit(store, active);
  } catch (error) {
    discard(store, active);
    throw error;
  }
}

/** A mirror of one's own may be signed with a key that Debian's packages do not bring. */
function bringKeyring(root: string, keyring: string): void {
  const inside = join(root, keyring);
  if (existsSync(inside)) return;
  mkdirSync(dirname(inside), { recursive: true });
  copyFileSync(keyring, inside);
}

function configFor({ suite, slim }: Suite, mirror: Mirror, layer: Snapshot): ImageConfig {
  const created = new Date().toISOString();
  return {
    created,
    architecture: ARCHITECTURE,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['bash'],
      Labels: {
        'dev.cloche.base':
          "made on this machine with debootstrap from the host's mirror, not Docker Hub's image",
        'dev.cloche.base.mirror': mirror.uri,
      },
    },
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [
      {
        created,
        created_by: `debootstrap --variant=minbase ${suite} ${mirror.uri}`,
        comment: slim ? 'cloche, without documentation' : 'cloche',
      },
    ],
  };
}
