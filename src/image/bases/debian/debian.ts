import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configOf, findImage, type Image } from '../../images.ts';
import { clampTimes, youngest } from '../../layer/times.ts';
import type { ImageConfig } from '../../manifest.ts';
import { stackOf } from '../../snapshots.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { needTool, plainEnv } from '../tool.ts';
import { datePasswords, releaseDate } from './dates.ts';
import { debootstrap } from './debootstrap.ts';
import { finish } from './finish.ts';
import { type Mirror, mirrorFor } from './mirror.ts';
import type { Suite } from './suite.ts';
import { makeBackports, makePinned } from './variants.ts';

const FROM_MIRROR = "with debootstrap from the host's mirror";

/** So long is a full image taken for a slim one's beginning, milliseconds. */
const FRESH = 7 * 24 * 3600 * 1000;

/** Debian, as `debian:<suite>` has it. @throws {ClocheError} as `debootstrap`, `makeBackports` */
export async function makeDebian(kitchen: Kitchen, what: Suite): Promise<ImageConfig> {
  const { suite, slim, pinned, backports } = what;
  if (pinned !== undefined) return makePinned(kitchen, { ...what, pinned });
  if (backports === true) return makeBackports(kitchen, suite);
  const mirror = await mirrorFor(suite);
  const layer = await makeLayer(kitchen, undefined, async ({ upper }) => {
    const full = slim ? fullImage(kitchen, suite) : undefined;
    const date =
      full === undefined
        ? await bootstrap(kitchen, what, mirror, upper)
        : await copyOf(kitchen, full, upper);
    finish(upper, mirror, slim);
    bringKeyring(upper, mirror.keyring);
    if (date === undefined) return;
    datePasswords(upper, date);
    clampTimes(upper, date);
  });
  return configOnTop(kitchen, undefined, layer, {
    says: `${FROM_MIRROR}${slim ? ', without documentation' : ''}`,
    labels: { 'dev.cloche.base.mirror': mirror.uri },
    createdBy: `debootstrap --variant=minbase ${suite} ${mirror.uri}`,
    config: { Cmd: ['bash'] },
  });
}

/** @returns when its packages were released, if that is known */
async function bootstrap(
  { store, say, signal }: Kitchen,
  { suite, slim }: Suite,
  mirror: Mirror,
  target: string,
): Promise<Date | undefined> {
  const shown = `debian:${suite}${slim ? '-slim' : ''}`;
  say('begin', `making ${shown} on this machine with debootstrap from ${mirror.uri}`);
  await debootstrap({
    ...{ suite, mirror, signal, target, cache: join(store.root, 'cache/debs') },
    onLine: (line) => say('debootstrap', line.replace(/^[IW]: /, '')),
  });
  return releaseDate(target);
}

/** The image of that suite that was made here lately: debootstrap would do the same again. */
function fullImage({ store }: Kitchen, suite: string): Image | undefined {
  const image = findImage(store, `debian:${suite}`);
  if (image === undefined || Date.now() - image.created.getTime() > FRESH) return undefined;
  const label = configOf(store, image).config.Labels?.['dev.cloche.base'];
  return label?.includes(FROM_MIRROR) ? image : undefined;
}

async function copyOf(kitchen: Kitchen, full: Image, target: string): Promise<Date> {
  const [layer] = stackOf(kitchen.store, full.chainId);
  if (layer === undefined) throw new Error(`${full.id} has no layer`);
  const [name = full.id] = full.tags;
  kitchen.say('begin', `taking the documentation out of a copy of ${name}, which was made here`);
  const words = ['--archive', '--reflink=auto', `${layer.directory}/.`, target];
  await needTool('cp', words, { env: plainEnv(), signal: kitchen.signal });
  return youngest(target);
}

/** A mirror of one's own may be signed with a key that Debian's packages do not bring. */
function bringKeyring(root: string, keyring: string): void {
  const inside = join(root, keyring);
  if (existsSync(inside)) return;
  mkdirSync(dirname(inside), { recursive: true });
  copyFileSync(keyring, inside);
}
