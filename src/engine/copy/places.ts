import { resolve } from 'node:path';
import type { Destination } from '../../build/copy/destination.ts';
import type { Item } from '../../build/copy/gather.ts';
import { UpperLayer } from '../../build/copy/upper.ts';
import { ClocheError } from '../../error.ts';
import { activeTree } from '../../image/archive/export.ts';
import { findActive } from '../../image/index.ts';
import { AT_REST, type RawPath } from '../../image/layer/scan.ts';
import { components, find, hostPath, type Tree } from '../../image/tree.ts';
import type { Engine } from '../engine.ts';
import { type Container, directoryOf, getContainer } from '../life/records.ts';
import { parseVolume } from '../volumes/index.ts';
import { RunningFiles } from './running.ts';

/** Our machine's files, or a container's. */
export interface Place {
  /** undefined: ours. */
  readonly container: string | undefined;
  readonly path: string;
}

/** Files that are read from. */
export interface Source extends Disposable {
  readonly tree: Tree;
  /** What a container sees in place of a file of its image. */
  readonly asSeen: (item: Item) => Item;
}

/** Files that are written to. */
export interface OpenDestination extends Disposable {
  readonly tree: Tree;
  readonly into: Destination;
}

const OURS: Tree = { layers: [{ directory: '/', opaque: [] }] };

/** Of one that runs what it sees, volumes too. @throws {ClocheError} `CONTAINER_NOT_FOUND`, `PATH_MOUNTED` */
export async function sourceAt(engine: Engine, from: Place): Promise<Source> {
  const [asSeen, close] = [(item: Item) => item, () => undefined];
  if (from.container === undefined) return { tree: OURS, asSeen, [Symbol.dispose]: close };
  const container = getContainer(engine, from.container);
  const running = RunningFiles.of(container);
  if (running !== undefined) {
    const tree = { ...running.tree, hides: isKernels };
    return { tree, asSeen, [Symbol.dispose]: () => running.close() };
  }
  const tree = await restingTree(engine, container, from);
  const own = directoryOf(engine, container.id);
  return { tree, asSeen: (item) => asMounted(own, item), [Symbol.dispose]: close };
}

/** Where files are put. @throws {ClocheError} `CONTAINER_NOT_FOUND`, `PATH_MOUNTED` */
export async function destinationAt(engine: Engine, to: Place): Promise<OpenDestination> {
  const close = () => undefined;
  if (to.container === undefined)
    return { tree: OURS, into: new UpperLayer(OURS), [Symbol.dispose]: close };
  const container = getContainer(engine, to.container);
  const into = RunningFiles.of(container);
  if (into !== undefined) return { tree: into.tree, into, [Symbol.dispose]: () => into.close() };
  const tree = await restingTree(engine, container, to);
  return { tree, into: new UpperLayer(tree), [Symbol.dispose]: close };
}

/** As docker, which shows nothing of what is in there: it is no container's, and has no end. */
function isKernels(path: RawPath): boolean {
  return /^(proc|sys|dev)\//.test(path);
}

async function restingTree(engine: Engine, container: Container, { path }: Place): Promise<Tree> {
  refuseMounted(container, path);
  const active = findActive(engine.store, container.snapshot);
  if (active === undefined) throw new Error(`container ${container.id} has lost its snapshot`);
  return await activeTree(engine.store, active, AT_REST);
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
  return node === undefined ? item : { ...item, node, tree: own, host: hostPath(own, node) };
}

/** Ours begins where we stand, a container's at its root. */
export function absolute({ container, path }: Place): string {
  return container === undefined ? resolve(path) : path;
}

/** Where nothing runs nothing is mounted; what a volume holds is here on the machine anyway. */
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
