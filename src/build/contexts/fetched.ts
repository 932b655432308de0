import { createReadStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClocheError } from '../../error.ts';
import { find, type Store, temporaryPath } from '../../image/index.ts';
import { BLOCK, decodeFields } from '../../image/layer/fields.ts';
import { toRaw } from '../../image/layer/scan.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { hostPath } from '../../image/tree.ts';
import { type ContextPlace, usualName } from '../context.ts';
import { cloneRepository } from '../copy/git.ts';
import { isRepository } from '../copy/git-url.ts';

export interface FetchOptions {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  /** Whether a repository's `.git` is among the files, where its URL does not say. */
  readonly keepGitDir?: boolean | undefined;
}

/**
 * Does `action` with a build context that may be something else than a directory: `-` for standard
 * input, which is a Dockerfile or an archive; an archive's file; a git repository, `URL#ref:directory` or
 * `URL?ref=…`; another URL, which gives an archive or a Dockerfile. With `-f -` the Dockerfile alone comes
 * from standard input. What was fetched is removed at the end.
 *
 * @throws {ClocheError} `CONTEXT_INVALID`, `CONTEXT_NOT_FOUND`, `CONTEXT_FETCH_FAILED`; as `cloneRepository` and `unpackAside`
 */
export async function withContext<T>(
  store: Store,
  { context, file }: ContextPlace,
  options: FetchOptions,
  action: (place: ContextPlace) => Promise<T>,
): Promise<T> {
  if (context === '-' && file === '-')
    throw new ClocheError(
      'CONTEXT_INVALID',
      "invalid argument: can't use stdin for both build context and dockerfile",
      { class: 'invalid-argument' },
    );
  if (file === '-') return withDockerfile(store, await collected(options.stdin), context, action);
  if (context === '-') return withStream(store, options.stdin, file, options, action);
  if (isUrl(context) && !isRepository(context)) {
    const body = await fetched(context, options.signal);
    return withStream(store, body, file, options, action);
  }
  if (isRepository(context)) return withRepository(store, context, file, options, action);
  if (statSync(context, { throwIfNoEntry: false })?.isFile())
    return withArchive(store, createReadStream(context), file, options, action);
  return action({ context, file });
}

type Action<T> = (place: ContextPlace) => Promise<T>;

/** What it is shows at its beginning. */
async function withStream<T>(
  store: Store,
  stream: AsyncIterable<Uint8Array>,
  file: string | undefined,
  options: FetchOptions,
  action: Action<T>,
): Promise<T> {
  const { head, all } = await peeked(stream);
  if (isArchive(head)) return withArchive(store, all, file, options, action);
  return withDockerfile(store, await collected(all), undefined, action);
}

function isUrl(context: string): boolean {
  return /^https?:\/\//i.test(context);
}

async function fetched(url: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const failed = (why: string, cause?: unknown) =>
    new ClocheError('CONTEXT_FETCH_FAILED', `failed to load the build context ${url}: ${why}`, {
      class: 'unavailable',
      hint: 'Try it with curl; behind a proxy set HTTPS_PROXY. A repository of git ends with .git.',
      details: { url },
      cause,
    });
  const response = await fetch(url, { signal }).catch((cause: Error) => {
    signal.throwIfAborted();
    throw failed(cause.message, cause);
  });
  if (response.ok && response.body !== null) return response.body;
  throw failed(`invalid response status ${response.status}`);
}

async function withDockerfile<T>(
  store: Store,
  text: Buffer,
  context: string | undefined,
  action: Action<T>,
): Promise<T> {
  const directory = temporaryPath(store);
  mkdirSync(join(directory, 'empty'), { recursive: true });
  try {
    const file = join(directory, 'Dockerfile');
    writeFileSync(file, text);
    return await action({
      ...{ context: context ?? join(directory, 'empty'), file },
      fileName: 'Dockerfile',
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function withArchive<T>(
  store: Store,
  body: AsyncIterable<Uint8Array>,
  file: string | undefined,
  { signal }: FetchOptions,
  action: Action<T>,
): Promise<T> {
  const { unpackAside } = await import('../../image/layer/index.ts');
  const { tree, close } = await unpackAside(store, body, { signal });
  try {
    return await action(inside(tree.layers[0]?.directory ?? '', file));
  } finally {
    close();
  }
}

async function withRepository<T>(
  store: Store,
  source: string,
  file: string | undefined,
  { signal, keepGitDir = false }: FetchOptions,
  action: Action<T>,
): Promise<T> {
  const directory = temporaryPath(store);
  mkdirSync(directory);
  try {
    const about = { commit: undefined, keepGitDir, signal };
    const path = await cloneRepository(source, directory, about);
    return await action(inside(within(directory, path, source), file));
  } finally {
    removeTree(directory);
  }
}

/** What others made may have links: none of them leads to a file of ours. */
function within(directory: string, path: string, shown: string): string {
  const tree = { layers: [{ directory, opaque: [] }] };
  const node = find(tree, toRaw(path));
  if (node !== undefined) return hostPath(tree, node).toString();
  throw new ClocheError('CONTEXT_NOT_FOUND', `"${path}" is not in ${shown}`, {
    class: 'not-found',
  });
}

function inside(directory: string, said: string | undefined): ContextPlace {
  const tree = { layers: [{ directory, opaque: [] }] };
  const file = said ?? usualName((name) => find(tree, toRaw(name)) !== undefined);
  const path = within(resolve(directory), file, 'the build context');
  return { context: directory, file: path, fileName: file };
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** The beginning of a stream, and all of it. */
async function peeked(stream: AsyncIterable<Uint8Array>) {
  const iterator = stream[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  let ended = false;
  while (!ended && head.length < BLOCK) {
    const { value, done } = await iterator.next();
    if (done === true) ended = true;
    else head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield head;
    while (!ended) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      yield value;
    }
  }
  return { head, all: all() };
}

/** How gzip, zstd, xz and bzip2 begin. */
const COMPRESSED = ['1f8b', '28b52ffd', 'fd377a585a00', '425a68'];

function isArchive(head: Buffer): boolean {
  return isTar(head) || COMPRESSED.some((magic) => head.toString('hex').startsWith(magic));
}

/** By the checksum of its first header: V7's tar has nothing else to be known by. */
function isTar(head: Buffer): boolean {
  try {
    return head.length >= BLOCK && decodeFields(head.subarray(0, BLOCK)).path !== '';
  } catch {
    return false;
  }
}
