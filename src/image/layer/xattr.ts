import { perform } from '../../linux/perform.ts';
import {
  buffer,
  bytes,
  call,
  type Pointer,
  plan,
  pointer,
  result,
  type Step,
  text,
} from '../../linux/plan/index.ts';
import { fromRaw, type RawPath, toRaw } from './scan.ts';

/** Extended attributes of one file: name → value. */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

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
): Promise<Map<RawPath, Xattrs>> {
  const found = new Map<RawPath, Map<string, Uint8Array>>();
  for (const batch of batches(directory, paths)) {
    const having = await withAny(directory, batch);
    const names = await listNames(directory, having);
    for (let from = 0; from < names.length; from += VALUES)
      for (const [path, name, value] of await values(directory, names.slice(from, from + VALUES)))
        found.set(path, (found.get(path) ?? new Map()).set(name, value));
  }
  return found;
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

async function withAny(directory: string, paths: readonly RawPath[]): Promise<RawPath[]> {
  if (paths.length === 0) return [];
  const sizes = paths.map(() => result('size'));
  const done = await perform(
    plan(
      'which files have extended attributes',
      paths.map((path, i) =>
        call('llistxattr', [pathname(inside(directory, path)), 0, 0], 'how many bytes of names', {
          save: sizes[i],
          tolerate: ['EOPNOTSUPP'],
        }),
      ),
    ),
  );
  return paths.filter((_, i) => {
    const size = sizes[i];
    return size !== undefined && done.value(size) > 0n;
  });
}

async function listNames(directory: string, paths: readonly RawPath[]) {
  const names: { path: RawPath; name: string }[] = [];
  for (let at = 0; at < paths.length; at += VALUES) {
    const files = paths
      .slice(at, at + VALUES)
      .map((path) => ({ path, size: result('size'), list: buffer('list', ROOM) }));
    const steps = files.map(({ path, size, list }) =>
      call('llistxattr', [pathname(inside(directory, path)), pointer(list), ROOM], 'which ones', {
        save: size,
      }),
    );
    const done = await perform(plan('names of extended attributes', steps));
    for (const { path, size, list } of files) {
      const listed = Buffer.from(done.read(list)).toString('latin1', 0, Number(done.value(size)));
      for (const name of listed.split('\0')) if (name !== '') names.push({ path, name });
    }
  }
  return names;
}

async function values(directory: string, names: readonly { path: RawPath; name: string }[]) {
  const wanted = names.map((one) => ({
    ...one,
    size: result('size'),
    room: buffer('value', ROOM),
  }));
  const steps = wanted.map(({ path, name, size, room }) => {
    const args = [pathname(inside(directory, path)), text(name), pointer(room), ROOM];
    return call('lgetxattr', args, 'its value', { save: size });
  });
  const done = await perform(plan('values of extended attributes', steps));
  return wanted.map(({ path, name, size, room }) => {
    const value = done.read(room).slice(0, Number(done.value(size)));
    return [path, name, value] as const;
  });
}

function inside(directory: string, path: RawPath): RawPath {
  return path === '' ? toRaw(directory) : `${toRaw(directory)}/${path}`;
}

function pathname(path: RawPath): Pointer {
  return bytes(fromRaw(`${path}\0`), JSON.stringify(path));
}
