import { type Gathered, gather } from '../../build/copy/gather.ts';
import { place } from '../../build/copy/place.ts';
import { ClocheError } from '../../error.ts';
import { toRaw } from '../../image/layer/scan.ts';
import { components, find, type Tree } from '../../image/tree.ts';
import type { Engine } from '../engine.ts';
import { absolute, destinationAt, type Place, type Source, sourceAt } from './places.ts';

export interface CopyOptions {
  /** Keep owners; else everything is root's. */
  readonly archive?: boolean | undefined;
  /** Follow a link that is named itself. */
  readonly follow?: boolean | undefined;
}

/**
 * docker's cp, between our files and a container's. Both sides are trees that are resolved name by
 * name, so that no link inside a container leads out of it.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `PATH_NOT_FOUND`, `COPY_CONFLICT`, `PATH_MOUNTED`;
 *   `COPY_REFUSED`, by one that runs; `FILE_CHANGED`
 */
export async function copyBetween(
  engine: Engine,
  from: Place,
  to: Place,
  options: CopyOptions = {},
): Promise<void> {
  using destination = await destinationAt(engine, to);
  using source = await sourceAt(engine, from);
  const { tree, into } = destination;
  const gathered = await gatherFrom(source, from, options);
  if (gathered === undefined) return;
  const { what, target } = aimed(gathered, tree, from, to);
  const owner = options.archive === true ? undefined : { uid: 0, gid: 0 };
  await place(what, target, { tree, into, owner, mode: undefined });
  await into.finish();
}

/**
 * What lies at a place, a directory with all that is in it; undefined for what cannot be copied.
 *
 * @throws {ClocheError} `PATH_NOT_FOUND`
 */
export async function gatherFrom(
  { tree, asSeen }: Source,
  from: Place,
  options: CopyOptions,
): Promise<Gathered | undefined> {
  const path = toRaw(absolute(from));
  const node = find(tree, path, { follow: options.follow === true || isContent(from) });
  if (node === undefined) throw missing(from);
  const picked = { node, name: components(path).join('/'), pivot: 0 };
  const [gathered] = await gather(tree, [picked], { xattrs: true });
  return gathered && { ...gathered, items: gathered.items.map(asSeen) };
}

/** Whether a directory's content is meant, and not the directory. */
function isContent({ path }: Place): boolean {
  return /\/\.?$/.test(path);
}

/**
 * What goes where. A file goes to the name, or into the directory of that name. A directory goes into
 * one that is there, and else is given the name; with `/.` behind it only its content goes.
 */
function aimed(gathered: Gathered, tree: Tree, from: Place, to: Place) {
  const path = toRaw(absolute(to));
  const there = find(tree, path);
  const names = components(path);
  const parent = names.slice(0, -1).join('/');
  if (there === undefined && find(tree, parent)?.kind !== 'directory')
    throw missing({ ...to, path: `/${parent}` });
  const [first] = gathered.items;
  if (first?.node.kind !== 'directory') {
    if (there === undefined && to.path.endsWith('/')) throw missing(to);
    return { what: gathered, target: there?.kind === 'directory' ? `${path}/` : path };
  }
  if (there !== undefined && there.kind !== 'directory')
    throw new ClocheError('COPY_CONFLICT', 'cannot copy directory', {
      class: 'conflict',
      hint: `'${to.path}' is a file`,
    });
  if (/(^|\/)\.$/.test(from.path)) return { what: gathered, target: path };
  const name = there === undefined ? (names.at(-1) ?? '') : gathered.base;
  const items = gathered.items.map((item) => ({
    ...item,
    relative: item.relative === '' ? name : `${name}/${item.relative}`,
  }));
  return { what: { ...gathered, items: [first, ...items] }, target: there ? path : parent };
}

function missing({ container, path }: Place): ClocheError {
  const where = container === undefined ? '' : ` in container ${container}`;
  return new ClocheError('PATH_NOT_FOUND', `could not find the file ${path}${where}`, {
    class: 'not-found',
  });
}
