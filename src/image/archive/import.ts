import { type Image, writeImage } from '../images.ts';
import { unpackArchive } from '../layer/unpack.ts';
import { ARCHITECTURE, type ContainerConfig, type Platform } from '../manifest.ts';
import { type Reference, withTag } from '../reference.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import type { ContentOptions } from './open.ts';

export interface ImportOptions extends ContentOptions {
  /** How its containers are started; an archive does not say. */
  readonly config?: ContainerConfig | undefined;
  /** For its history. */
  readonly message?: string | undefined;
  /** Its name; `latest` where it says no tag. */
  readonly reference?: Reference | undefined;
  readonly platform?: Platform | undefined;
}

/**
 * Makes an image of a root file system's tar archive, compressed or not: one layer.
 *
 * @throws {ClocheError} as `unpackArchive`
 */
export async function importImage(
  store: Store,
  body: AsyncIterable<Uint8Array>,
  { config = {}, message, reference, platform, ...about }: ImportOptions = {},
): Promise<Image> {
  return whileWorking(store.db, `import ${crypto.randomUUID()}`, async () => {
    const { diffId } = await unpackArchive(store, undefined, body, about);
    const created = new Date().toISOString();
    const history = [{ created, ...(message === undefined ? {} : { comment: message }) }];
    const rootfs = { type: 'layers', diff_ids: [diffId] } as const;
    const machine = platform ?? { os: 'linux', architecture: ARCHITECTURE };
    const names = reference === undefined ? [] : [withTag(reference)];
    return writeImage(store, { created, ...machine, config, rootfs, history }, names);
  });
}
