import { type Gathered, gather, type Item } from '../../build/copy/gather.ts';
import { place } from '../../build/copy/place.ts';
import { ClocheError } from '../../error.ts';
import { archiveOf } from '../../image/layer/archive.ts';
import { unpackAside } from '../../image/layer/index.ts';
import { type RawPath, toRaw } from '../../image/layer/scan.ts';
import { batched } from '../../image/layer/write.ts';
import type { Xattrs } from '../../image/layer/xattr.ts';
import { find, openNode } from '../../image/tree.ts';
import type { Engine } from '../engine.ts';
import { type CopyOptions, gatherFrom } from './copy.ts';
import { destinationAt, type Place, sourceAt } from './places.ts';

/**
 * docker's `cp CONTAINER:PATH -`: what lies there as a tar archive, in pieces, under its own name; of
 * `DIR/.` what is in it.
 *
 * @throws {ClocheError} as `sourceAt` and `gatherFrom`; `FILE_CHANGED`
 */
export async function* copyToArchive(
  engine: Engine,
  from: Place,
  options: CopyOptions,
): AsyncGenerator<Buffer> {
  using source = await sourceAt(engine, from);
  const gathered = await gatherFrom(source, from, options);
  const entries = gathered === undefined ? [] : entriesOf(gathered, /(^|\/)\.$/.test(from.path));
  const xattrs = new Map<RawPath, Xattrs>(
    entries.flatMap(({ path, xattrs }) => (xattrs === undefined ? [] : [[path, xattrs] as const])),
  );
  yield* batched(
    archiveOf({ entries, xattrs, opaque: [] }, ({ item: { tree, node } }) => openNode(tree, node)),
  );
}

/** Under the names that they have in the archive; the root of a container has none. */
function entriesOf({ base, items }: Gathered, isContent: boolean) {
  const top = isContent ? '' : base;
  const nameOf = ({ relative }: Item) => [top, relative].filter((part) => part !== '').join('/');
  return items
    .map((item) => ({ ...item.node, path: nameOf(item), item, xattrs: item.xattrs }))
    .filter(({ path }) => path !== '');
}

/**
 * docker's `cp - CONTAINER:PATH`: a tar archive, compressed or not, is unpacked into a directory that is
 * there. Owners are those of the archive.
 *
 * @throws {ClocheError} `COPY_CONFLICT`: it is no directory; as `destinationAt` and `unpackAside`
 */
export async function copyFromArchive(
  engine: Engine,
  pieces: AsyncIterable<Uint8Array>,
  to: Place,
  signal: AbortSignal,
): Promise<void> {
  using destination = await destinationAt(engine, to);
  const { tree, into } = destination;
  if (find(tree, toRaw(to.path))?.kind !== 'directory')
    throw new ClocheError(
      'COPY_CONFLICT',
      `destination "${to.container}:${to.path}" must be a directory`,
      { class: 'conflict', hint: 'an archive is unpacked into a directory that is there' },
    );
  const aside = await unpackAside(engine.store, pieces, { signal });
  try {
    const root = find(aside.tree, '');
    if (root === undefined) return;
    const options = { tree, into, owner: undefined, mode: undefined, signal };
    for (const all of await gather(aside.tree, [{ node: root, name: '', pivot: 0 }], {
      xattrs: true,
    }))
      await place(all, toRaw(to.path), options);
    await into.finish();
  } finally {
    aside.close();
  }
}
