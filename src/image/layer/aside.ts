import { mkdirSync } from 'node:fs';
import { removeTree } from '../state/remove-tree.ts';
import { type Store, temporaryPath } from '../store.ts';
import type { Tree } from '../tree.ts';
import { type CountOptions, count } from './count.ts';
import { extract } from './files.ts';
import type { RawPath } from './scan.ts';

/** An archive's files by themselves. */
export interface Aside {
  readonly tree: Tree;
  /** Directories that are only there because of what lies in them: the archive does not describe them. */
  readonly implied: ReadonlySet<RawPath>;
  /** Removes them. */
  close(): void;
}

/**
 * Unpacks an archive that is no layer, such as a build context or what ADD unpacks, into a directory
 * that is nobody's: plain tar, gzip, zstd, xz or bzip2; `.wh.x` is a file like others. Who is killed
 * before `close` leaves it to `reconcile`.
 *
 * @throws {ClocheError} as `extract`; the signal's reason; what `body` throws
 */
export async function unpackAside(
  store: Store,
  body: AsyncIterable<Uint8Array>,
  about: CountOptions = {},
): Promise<Aside> {
  const upper = temporaryPath(store);
  const close = () => removeTree(upper);
  const came = count(body, about);
  mkdirSync(upper, { mode: 0o755 });
  try {
    const options = { came, programs: true, whiteouts: false };
    const files = await extract(store, { upper, parent: undefined }, came.body, options);
    await files.dress();
    const tree = { layers: [{ directory: upper, opaque: [] }] };
    return { tree, implied: files.implied(), close };
  } catch (error) {
    close();
    throw error;
  } finally {
    await came.close();
  }
}
