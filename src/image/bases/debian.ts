import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ImageConfig } from '../manifest.ts';
import { debootstrap } from './debootstrap.ts';
import { finish } from './finish.ts';
import { configOnTop, makeLayer } from './layer.ts';
import type { Kitchen } from './make.ts';
import { mirrorFor } from './mirror.ts';
import type { Suite } from './suite.ts';

/** Debian, as `debian:<suite>` has it. @throws {ClocheError} as `debootstrap` */
export async function makeDebian(kitchen: Kitchen, { suite, slim }: Suite): Promise<ImageConfig> {
  const { store, say, signal } = kitchen;
  const mirror = await mirrorFor(suite);
  const shown = `debian:${suite}${slim ? '-slim' : ''}`;
  say('begin', `making ${shown} on this machine with debootstrap from ${mirror.uri}`);
  const layer = await makeLayer(kitchen, undefined, async ({ upper }) => {
    await debootstrap({
      ...{ suite, mirror, signal, target: upper, cache: join(store.root, 'cache/debs') },
      onLine: (line) => say('debootstrap', line.replace(/^[IW]: /, '')),
    });
    finish(upper, mirror, slim);
    bringKeyring(upper, mirror.keyring);
  });
  const without = slim ? ', without documentation' : '';
  return configOnTop(kitchen, undefined, layer, {
    says: `with debootstrap from the host's mirror${without}`,
    labels: { 'dev.cloche.base.mirror': mirror.uri },
    createdBy: `debootstrap --variant=minbase ${suite} ${mirror.uri}`,
    config: { Cmd: ['bash'] },
  });
}

/** A mirror of one's own may be signed with a key that Debian's packages do not bring. */
function bringKeyring(root: string, keyring: string): void {
  const inside = join(root, keyring);
  if (existsSync(inside)) return;
  mkdirSync(dirname(inside), { recursive: true });
  copyFileSync(keyring, inside);
}
