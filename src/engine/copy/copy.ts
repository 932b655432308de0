import { resolve } from 'node:path';
import { type Gathered, gather, type Item } from '../../build/copy/gather.ts';
import { place } from '../../build/copy/place.ts';
import { UpperLayer } from '../../build/copy/upper.ts';
import { ClocheError } from '../../error.ts';
import { findActive, treeOf } from '../../image/index.ts';
import { type RawPath, toRaw } from '../../image/layer/scan.ts';
import { components, find, hostPath, type Tree } from '../../image/tree.ts';
import type { Engine } from '../engine.ts';
import { isAlive } from '../life/processes.ts';
import { type Container, directoryOf, getContainer } from '../life/records.ts';
import { parseVolume } from '../volumes/index.ts';

export interface CopyOptions {
  /** Keep owners; else everything is root's. */
  readonly archive?: boolean | undefined;
  /** Follow a link that is named itself. */
  readonly follow?: boolean | undefined;
}

/** Our machine's files, or a container's. */
export interface Place {
  /** undefined: ours. */
  readonly container: string | undefined;
  readonly path: string;
}

/**
 * docker's cp, between our files and a container's. Both sides are trees that are resolved name by
 * name, so that no link inside a container leads out of it.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `PATH_NOT_FOUND`, `COPY_CONFLICT`; `CONTAINER_RUNNING`:
 *   who writes below a mounted overlay gets what the kernel does not promise; `PATH_MOUNTED`
 */
export async function copyBetween(
  engine: Engine,
  from: Place,
  to: Place,
  options: CopyOptions = {},
): Promise<void> {
  const destination = treeAt(engine, to, { isWritten: true });
  const gathered = await gatherAt(engine, from, options);
  if (gathered === undefined) return;
  const { what, target } = aimed(gathered, destination, from, to);
  const upper = new UpperLayer(destination);
  const owner = options.archive === true ? undefined : { uid: 0, gid: 0 };
  await place(what, target, { tree: destination, upper, owner, mode: undefined });
  await upper.finish();
}

/**
 * What lies at a place, a directory with all that is in it; undefined for what cannot be copied.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `PATH_NOT_FOUND`, `PATH_MOUNTED`
 */
export async function gatherAt(
  engine: Engine,
  from: Place,
  options: CopyOptions,
): Promise<Gathered | undefined> {
  const source = treeAt(engine, from);
  const path = toRaw(absolute(from));
  const node = find(source, path, { follow: options.follow === true || isContent(from) });
  if (node === undefined) throw missing(from);
  const picked = { node, name: components(path).join('/'), pivot: 0 };
  const [gathered] = await gather(source, [picked], { xattrs: true });
  if (gathered === undefined || from.container === undefined) return gathered;
  const own = directoryOf(engine, getContainer(engine, from.container).id);
  return { ...gathered, items: gathered.items.map((item) => asMounted(own, item)) };
}

/** Whether a directory's content is meant, and not the directory. */
function isContent({ path }: Place): boolean {
  return /\/\.?$/.test(path);
}

/** Over these a container's own files are mounted: it sees them, and never the image's or their stubs. */
const MOUNTED: Readonly<Record<RawPath, string>> = {
  'etc/hostname': 'hostname',
  'etc/hosts': 'hosts',
  'etc/resolv.conf': 'resolv.conf',
};

function asMounted(directory: string, item: Item): Item {
  const { path } = item.node;
  const name = Object.hasOwn(MOUNTED, path) ? MOUNTED[path] : undefined;
  const own: Tree = { layers: [{ directory, opaque: [] }] };
  // One that has never been started has none.
  const node = name === undefined ? undefined : find(own, name);
  return node === undefined ? item : { ...item, node, host: hostPath(own, node) };
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

/** Ours begins where we stand, a container's at its root. */
function absolute({ container, path }: Place): string {
  return container === undefined ? resolve(path) : path;
}

/** @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_RUNNING`, `PATH_MOUNTED` */
export function treeAt(
  engine: Engine,
  { container: name, path }: Place,
  about: { readonly isWritten?: boolean } = {},
): Tree {
  if (name === undefined) return { layers: [{ directory: '/', opaque: [] }] };
  const container = getContainer(engine, name);
  refuseMounted(container, path);
  if (about.isWritten === true && isAlive(container))
    throw new ClocheError('CONTAINER_RUNNING', `cannot copy into '${name}': it is running`, {
      class: 'conflict',
      hint: 'stop it first, or send the file in: cloche exec -i … sh -c "cat > FILE" < FILE',
    });
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container ${container.id} has lost its snapshot`);
  return treeOf(engine.store, active.parent, active.upper);
}

/** Volumes are mounted only inside; what they hold is here on the machine anyway. */
function refuseMounted({ name, options }: Container, path: string): void {
  const names = components(path);
  for (const volume of options.volumes) {
    const { source, target } = parseVolume(volume);
    if (!components(target).every((one, i) => names[i] === one)) continue;
    throw new ClocheError('PATH_MOUNTED', `'${path}' in '${name}' is on the volume '${source}'`, {
      class: 'invalid-argument',
      hint: 'copy from or to the volume itself',
    });
  }
}

function missing({ container, path }: Place): ClocheError {
  const where = container === undefined ? '' : ` in container ${container}`;
  return new ClocheError('PATH_NOT_FOUND', `could not find the file ${path}${where}`, {
    class: 'not-found',
  });
}
