import { perform } from '../../linux/perform.ts';
import {
  block,
  buffer,
  bytes,
  call,
  flags,
  label,
  type Pointer,
  plan,
  pointer,
  result,
  type Step,
  text,
} from '../../linux/plan/index.ts';
import type { Node, Tree } from '../tree.ts';
import { pathname } from './pathname.ts';
import { AT_REST, type Look, nameOf, parentOf, type RawPath, toRaw } from './scan.ts';

/** Extended attributes of one file: name → value. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

/** Where files lie, and how they are looked at. */
interface Place {
  readonly directory: string;
  readonly look: Look;
}

const HERE = flags('AT_FDCWD');
const DIRECTORY = flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC');
/** What is not there any more has none. */
const GONE = ['ENOENT', 'ENOTDIR'] as const;

/** So many bytes a plan, of the 16 MB that one may have. */
const BATCH = 8 * 1024 * 1024;
/** What a file takes of it beside its path: a step, a result, alignment. */
const PER_FILE = 128;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX are 64 KB, but what a file system takes is 4 KB or less. */
const ROOM = 8192;
/** So many values a plan, since each needs its room. */
const VALUES = 1000;

/**
 * The extended attributes of those paths below `directory` that have any. Node has no call for it,
 * so it is a plan: one llistxattr(2) a file, which only asks how much there is, and a second plan
 * for the few that have some. 6 700 files take 15 ms.
 *
 * @throws {ClocheError} `STEP_FAILED`
 */
export async function readXattrs(
  directory: string,
  paths: readonly RawPath[],
  look = AT_REST,
): Promise<Map<RawPath, Xattrs>> {
  const found = new Map<RawPath, Map<string, Uint8Array>>();
  const place = { directory, look };
  for (const batch of batches(directory, paths)) {
    const having = await withAny(place, batch);
    const names = await listNames(place, having);
    for (let from = 0; from < names.length; from += VALUES)
      for (const [path, name, value] of await values(place, names.slice(from, from + VALUES)))
        found.set(path, (found.get(path) ?? new Map()).set(name, value));
  }
  return found;
}

/** Of each node of a tree, those in the uppermost layer that has it, without overlayfs' own; by its path. */
export async function xattrsOf(tree: Tree, nodes: readonly Node[]): Promise<Map<RawPath, Xattrs>> {
  const all = new Map<RawPath, Xattrs>();
  for (const [index, { directory, look }] of tree.layers.entries()) {
    const here = nodes.filter(({ layers }) => layers[0] === index).map(({ path }) => path);
    for (const [path, own] of await readXattrs(directory, here, look)) {
      const kept = carried(own);
      if (kept !== undefined) all.set(path, kept);
    }
  }
  return all;
}

/** Overlayfs' own notes (origin, impure, …) are about the layer that a file lies in. Undefined if that is all. */
export function carried(xattrs: Xattrs | undefined): Xattrs | undefined {
  const kept = [...(xattrs ?? [])].filter(([name]) => !name.startsWith('trusted.overlay.'));
  return kept.length === 0 ? undefined : new Map(kept);
}

/** Gives files extended attributes; `paths` are absolute. @throws {ClocheError} `STEP_FAILED` */
export async function writeXattrs(files: ReadonlyMap<RawPath, Xattrs>): Promise<void> {
  const steps: Step[] = [];
  for (const [path, xattrs] of files)
    for (const [name, value] of xattrs) {
      const shown = `${value.length} bytes`;
      const args = [pathname(path), text(name), bytes(value, shown), value.length, 0];
      steps.push(call('lsetxattr', args, 'copied with its file'));
    }
  if (steps.length > 0) await perform(plan('write extended attributes', steps));
}

function* batches(directory: string, paths: readonly RawPath[]): Generator<RawPath[]> {
  let batch: RawPath[] = [];
  let size = 0;
  for (const path of paths) {
    batch.push(path);
    size += directory.length + path.length + PER_FILE;
    if (size < BATCH) continue;
    yield batch;
    [batch, size] = [[], 0];
  }
  yield batch;
}

async function withAny(place: Place, paths: readonly RawPath[]): Promise<RawPath[]> {
  if (paths.length === 0) return [];
  const files = paths.map((path) => ({ path, size: result('size') }));
  const steps = asked(place, files, (at, { size }) =>
    call('llistxattr', [at, 0, 0], 'how many bytes of names', {
      save: size,
      tolerate: ['EOPNOTSUPP', ...GONE],
    }),
  );
  const done = await perform(plan('which files have extended attributes', steps));
  return files.filter(({ size }) => done.value(size) > 0n).map(({ path }) => path);
}

async function listNames(place: Place, paths: readonly RawPath[]) {
  const names: { path: RawPath; name: string }[] = [];
  for (let at = 0; at < paths.length; at += VALUES) {
    const files = paths
      .slice(at, at + VALUES)
      .map((path) => ({ path, size: result('size'), list: buffer('list', ROOM) }));
    const steps = asked(place, files, (path, { size, list }) =>
      call('llistxattr', [path, pointer(list), ROOM], 'which ones', { save: size, tolerate: GONE }),
    );
    const done = await perform(plan('names of extended attributes', steps));
    for (const { path, size, list } of files) {
      const length = Math.max(Number(done.value(size)), 0);
      const listed = Buffer.from(done.read(list)).toString('latin1', 0, length);
      for (const name of listed.split('\0')) if (name !== '') names.push({ path, name });
    }
  }
  return names;
}

async function values(place: Place, names: readonly { path: RawPath; name: string }[]) {
  const wanted = names.map((one) => ({
    ...one,
    size: result('size'),
    room: buffer('value', ROOM),
  }));
  const steps = asked(place, wanted, (at, { name, size, room }) =>
    call('lgetxattr', [at, text(name), pointer(room), ROOM], 'its value', {
      save: size,
      tolerate: ['ENODATA', ...GONE],
    }),
  );
  const done = await perform(plan('values of extended attributes', steps));
  return wanted.flatMap(({ path, name, size, room }) => {
    const length = Number(done.value(size));
    return length < 0 ? [] : [[path, name, done.read(room).slice(0, length)] as const];
  });
}

/** One question for each file. */
function asked<T extends { readonly path: RawPath }>(
  { directory, look }: Place,
  files: readonly T[],
  question: (at: Pointer, file: T) => Step,
): Step[] {
  return look.isLive
    ? askedBeneath(directory, files, question)
    : files.map((file) => question(pathname(whole(directory, file.path)), file));
}

/** As `LIVE` looks: by name, in a directory that was entered without following a link. */
function askedBeneath<T extends { readonly path: RawPath }>(
  directory: string,
  files: readonly T[],
  question: (at: Pointer, file: T) => Step,
): Step[] {
  const [base, parent] = [result('base'), result('directory')];
  const how = pointer(
    block('open_how', [
      flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'),
      0,
      flags('RESOLVE_BENEATH', 'RESOLVE_NO_SYMLINKS'),
    ]),
  );
  const steps = [
    call('openat', [HERE, pathname(toRaw(directory)), DIRECTORY, 0], 'all are below it', {
      save: base,
    }),
  ];
  for (const [name, inIt] of Map.groupBy(files, ({ path }) => parentOf(path))) {
    const next = { name: 'next' };
    const about = { save: parent, jump: { on: 'negative', to: next } } as const;
    const at = pathname(name === '' ? '.' : name);
    steps.push(
      call('openat2', [base, at, how, 24], 'no link leads away from here', about),
      call('fchdir', [parent], 'names alone are asked about'),
      call('close', [parent], 'it is where we are'),
      ...inIt.map((file) => question(pathname(nameOf(file.path)), file)),
      label(next, 'the next directory'),
    );
  }
  return steps;
}

function whole(directory: string, path: RawPath): RawPath {
  return path === '' ? toRaw(directory) : `${toRaw(directory)}/${path}`;
}
