import { ClocheError } from '../../error.ts';
import { type ActiveSnapshot, type Digest, find, treeOf } from '../../image/index.ts';
import { toRaw } from '../../image/layer/scan.ts';
import { components } from '../../image/tree.ts';
import type { ContextFiles } from '../context.ts';
import { fileNotes } from '../file-notes.ts';
import type { CopyOperation } from '../graph.ts';
import type { FileFacts, Step } from '../step.ts';
import { contentDigest, type Gathered, gather } from './gather.ts';
import { isRemote } from './git-url.ts';
import { ignoring } from './ignore.ts';
import { type CopyInputs, contextOf } from './inputs.ts';
import { ownerIn } from './owner.ts';
import { pick } from './pick.ts';
import { type PlaceOptions, place, placeInline } from './place.ts';
import { type Fetched, fetchSource } from './remote.ts';
import { UpperLayer } from './upper.ts';
import { isWildcard } from './wildcard.ts';

/** A COPY or an ADD whose files have been looked at, one by one. */
export interface ListedStep extends Step {
  readonly facts: Digest;
  files(): FileFacts;
}

/**
 * Fetches what is elsewhere, lists what would be copied, and reads it for its digest.
 *
 * @throws {ClocheError} `COPY_SOURCE_NOT_FOUND`, `LINK_LOOP`; as `fetchSource`
 */
export async function listed(op: CopyOperation, inputs: CopyInputs): Promise<ListedStep> {
  const fetched = await fetchAll(op, inputs);
  const notes = fileNotes();
  const release = () => {
    for (const one of fetched) one.close();
  };
  try {
    const local = await localFiles(op, inputs);
    const remote = await remoteFiles(op, fetched);
    const all = { local, remote, archives: await archives(op, local, remote) };
    const { digests } = contextOf(op, inputs);
    const how = op.from === 'context' ? { owners: false, digests } : { owners: true };
    return {
      facts: contentDigest([...local, ...remote], how, notes.note),
      files: notes.read,
      perform: (active) => perform(op, all, active, inputs),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

interface All {
  readonly local: readonly Gathered[];
  /** Of an ADD: what was fetched. */
  readonly remote: readonly Gathered[];
  /** Those that are unpacked. */
  readonly archives: ReadonlySet<Gathered>;
}

async function perform(
  op: CopyOperation,
  { local, remote, archives }: All,
  active: ActiveSnapshot,
  inputs: CopyInputs,
): Promise<void> {
  const { store, epoch, signal } = inputs;
  const tree = treeOf(store, active.parent, active.upper);
  const into = new UpperLayer(tree);
  const owner = op.chown === null ? undefined : ownerIn(inputs, op.chown);
  const files = {
    tree,
    into,
    signal,
    owner,
    mode: op.chmod ?? undefined,
    dressesDirectories: true,
  };
  const options = { ...files, owner: owner ?? (op.from === 'context' ? ROOT : undefined) };
  const isInto = op.parents || local.length + remote.length + op.inline.length > 1;
  const isDirectory = isInto && !op.target.endsWith('/');
  const target = toRaw(isDirectory ? `${op.target}/` : op.target);
  for (const file of op.inline) placeInline(file, target, options);
  // When the context's files came to lie here is not what they are.
  const time =
    op.from === 'context' && epoch !== undefined
      ? BigInt(epoch.getTime()) * MILLISECOND
      : undefined;
  const put = async (one: Gathered, dress: PlaceOptions) => {
    const [item] = one.items;
    if (item === undefined || !archives.has(one)) return place(one, target, dress);
    const { placeArchive } = await import('./unarchive.ts');
    await placeArchive(store, item.host, target, { ...files, mode: undefined });
  };
  for (const one of local) await put(one, { ...options, time });
  for (const one of remote) await put(one, options);
  await into.finish();
}

const ROOT = { uid: 0, gid: 0 };
/** In nanoseconds. */
const MILLISECOND = 1_000_000n;

async function fetchAll(op: CopyOperation, { store, signal }: CopyInputs): Promise<Fetched[]> {
  const { add } = op;
  const remote = op.sources.filter(isRemote);
  if (add === null || remote.length === 0) return [];
  const results = await Promise.allSettled(
    remote.map((source) => fetchSource(store, source, add, signal)),
  );
  const fetched = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const failed = results.find((one) => one.status === 'rejected');
  if (failed === undefined) return fetched;
  for (const one of fetched) one.close();
  throw failed.reason;
}

async function remoteFiles(op: CopyOperation, fetched: readonly Fetched[]): Promise<Gathered[]> {
  const gathered = fetched.map(({ tree, path, name }, index) => {
    const node = find(tree, toRaw(path));
    if (node === undefined) throw notIn(op.sources.filter(isRemote)[index] ?? '', path);
    const excludes = ignoring(op.exclude);
    const source = { node, name: toRaw(name ?? ''), pivot: 0 };
    return gather(tree, [source], { xattrs: false, excludes });
  });
  return (await Promise.all(gathered)).flat();
}

/** Those that ADD unpacks: of the context unless it is told not to, of elsewhere if it is told to. */
async function archives(
  { add }: CopyOperation,
  local: readonly Gathered[],
  remote: readonly Gathered[],
): Promise<Set<Gathered>> {
  if (add === null) return new Set();
  // Loaded when needed: only ADD unpacks.
  const { isArchive } = await import('./unarchive.ts');
  const asked = [...(add.unpack === false ? [] : local), ...(add.unpack === true ? remote : [])];
  const found = new Set<Gathered>();
  for (const one of asked) {
    const [item] = one.items;
    if (item?.node.kind === 'file' && (await isArchive(item.host))) found.add(one);
  }
  return found;
}

async function localFiles(op: CopyOperation, inputs: CopyInputs): Promise<Gathered[]> {
  const { from, parents, add } = op;
  const names = op.sources.filter((name) => add === null || !isRemote(name));
  if (names.length === 0) return [];
  const context = contextOf(op, inputs);
  const tree = from === 'context' ? context.tree : treeOf(inputs.store, inputs.source);
  const named = names.flatMap((name) => {
    const raw = toRaw(name);
    const picked = tree.layers.length === 0 ? [] : pick(tree, raw);
    if (picked.length === 0 && !isWildcard(name)) throw notFound(name, context, from);
    const slash = parents ? raw.indexOf('/./') : -1;
    const pivot = slash < 0 ? 0 : components(raw.slice(0, slash)).length;
    return picked.map((one) => ({ ...one, pivot }));
  });
  const excludes = op.exclude.length === 0 ? undefined : ignoring(op.exclude);
  return gather(tree, named, { xattrs: from !== 'context', excludes, parents });
}

function notIn(source: string, path: string): ClocheError {
  return new ClocheError('COPY_SOURCE_NOT_FOUND', `"/${path}": not found in ${source}`, {
    class: 'not-found',
    hint: 'After the colon stands a directory of the repository.',
  });
}

function notFound(name: string, context: ContextFiles, from: CopyOperation['from']): ClocheError {
  const where = from === 'context' ? 'the build context' : 'what --from names';
  const ignored =
    from === 'context' && context.ignoreFile !== undefined
      ? `, or '${context.ignoreFile}' excludes it`
      : '';
  return new ClocheError('COPY_SOURCE_NOT_FOUND', `"/${name.replace(/^\/+/, '')}": not found`, {
    class: 'not-found',
    hint: `It is not in ${where}${ignored}.`,
    details: { source: name },
  });
}
