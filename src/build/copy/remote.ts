import { chmodSync, createWriteStream, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { sha256 } from '../../image/digest.ts';
import { type Store, temporaryPath } from '../../image/index.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import type { Tree } from '../../image/tree.ts';
import type { Additions } from '../dockerfile/instruction.ts';
import { cloneRepository } from './git.ts';
import { isRepository } from './git-url.ts';

/** What an ADD fetched from elsewhere, in a directory that is nobody's. */
export interface Fetched {
  readonly tree: Tree;
  /** What of it is copied: a file, or of a repository a directory. */
  readonly path: string;
  /** What it is called in a directory; undefined of a file whose URL says no name. */
  readonly name: string | undefined;
  /** Removes it; who is killed before leaves it to `reconcile`. */
  close(): void;
}

/**
 * Fetches a URL, or a git repository. A file has mode 0600, its name from `Content-Disposition` or the
 * URL if they have one, its time from `Last-Modified`, or 1970: the same file is to give the same layer.
 *
 * @throws {ClocheError} `ADD_FETCH_FAILED`, `ADD_CHECKSUM_MISMATCH`, `GIT_MISSING`; the signal's reason
 */
export async function fetchSource(
  store: Store,
  source: string,
  add: Additions,
  signal: AbortSignal,
): Promise<Fetched> {
  const directory = temporaryPath(store);
  mkdirSync(directory, { mode: 0o700 });
  const close = () => removeTree(directory);
  const tree = { layers: [{ directory, opaque: [] }] };
  try {
    const isClone = isRepository(source);
    if (isClone) {
      const { checksum: commit, keepGitDir } = add;
      const path = await cloneRepository(source, directory, { commit, keepGitDir, signal });
      return { tree, path, name: path, close };
    }
    const name = await download(source, directory, { checksum: add.checksum, signal });
    return { tree, path: name ?? NAMELESS, name, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** What a file without a name is called here, and nowhere else. */
const NAMELESS = 'download';

async function download(
  url: string,
  directory: string,
  { checksum, signal }: { checksum: string | undefined; signal: AbortSignal },
): Promise<string | undefined> {
  const response = await fetch(url, { signal }).catch((cause: Error) => {
    signal.throwIfAborted();
    throw failed(url, cause.message, cause);
  });
  if (!response.ok || response.body === null)
    throw failed(url, `invalid response status ${response.status}`);
  const name = nameOf(response, url);
  const path = join(directory, name ?? NAMELESS);
  const hash = sha256();
  const counted = async function* (body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      hash.update(chunk);
      yield chunk;
    }
  };
  // Loaded when needed: most builds fetch nothing.
  const { Readable } = await import('node:stream');
  const { pipeline } = await import('node:stream/promises');
  const body = Readable.from(counted(response.body));
  await pipeline(body, createWriteStream(path), { signal }).catch((cause: Error) => {
    signal.throwIfAborted();
    throw failed(url, cause.message, cause);
  });
  const digest = `sha256:${hash.digest('hex')}`;
  if (checksum !== undefined && checksum !== digest) throw mismatch(url, checksum, digest);
  chmodSync(path, 0o600);
  const modified = Date.parse(response.headers.get('last-modified') ?? '');
  const time = Number.isNaN(modified) ? 0 : modified / 1000;
  utimesSync(path, time, time);
  return name;
}

function nameOf(response: Response, url: string): string | undefined {
  const disposition = response.headers.get('content-disposition') ?? '';
  const [, quoted, bare] = /filename=(?:"([^"]*)"|([^;\s]+))/i.exec(disposition) ?? [];
  const last = new URL(url).pathname.split('/').at(-1) ?? '';
  for (const candidate of [quoted ?? bare, decoded(last)]) {
    const name = candidate?.split(/[/\\\0]/).at(-1) ?? '';
    if (name !== '' && name !== '.' && name !== '..' && Buffer.byteLength(name) <= 255) return name;
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function failed(url: string, why: string, cause?: unknown): ClocheError {
  return new ClocheError('ADD_FETCH_FAILED', `failed to load ${url}: ${why}`, {
    class: 'unavailable',
    hint: 'Try it with curl; behind a proxy set HTTPS_PROXY. A local file needs no network.',
    details: { url },
    cause,
  });
}

function mismatch(url: string, wanted: string, got: string): ClocheError {
  return new ClocheError('ADD_CHECKSUM_MISMATCH', `digest mismatch ${got}: ${wanted}`, {
    class: 'conflict',
    hint: `${url} gave other bytes than --checksum says.`,
    details: { url, wanted, got },
  });
}
