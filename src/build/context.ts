import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClocheError } from '../error.ts';
import type { Tree } from '../image/tree.ts';
import type { Digests } from './copy/digests.ts';
import { ignoring, patternLines } from './copy/ignore.ts';
import { decodeSource, type Source } from './dockerfile/source.ts';

/** What the user gives to a build: files, less those that `.dockerignore` names. */
export interface ContextFiles {
  readonly tree: Tree;
  /** The file that the patterns come from, if there is one. */
  readonly ignoreFile: string | undefined;
  /** Knows what its files hold; without it they are read. */
  readonly digests?: Digests | undefined;
}

/** A build's own files, and what is to be made of them. */
export interface OpenedContext extends ContextFiles {
  readonly dockerfile: Source;
}

export interface Context extends OpenedContext {
  /** Further ones, by name. */
  readonly named: ReadonlyMap<string, ContextFiles>;
}

/** Where a build's files and its Dockerfile are; both are paths of this machine. */
export interface ContextPlace {
  readonly context: string;
  /** Without it, `Dockerfile` in the context. */
  readonly file?: string | undefined;
  /** What it is called in messages, where it lies elsewhere than its user knows. */
  readonly fileName?: string | undefined;
}

/**
 * Opens a build context. The Dockerfile is `Dockerfile` in it, or `dockerfile` where that alone is there, or
 * `file`, which may lie elsewhere; `<its name>.dockerignore` beside it wins over the context's `.dockerignore`.
 *
 * @throws {ClocheError} `CONTEXT_NOT_FOUND`, `DOCKERFILE_NOT_FOUND`, `DOCKERFILE_INVALID`: it is no text;
 * `DOCKERIGNORE_INVALID`
 */
export async function openContext(place: ContextPlace): Promise<OpenedContext> {
  const { context, file } = place;
  const root = rootOf(context);
  const usual = usualName((name) => existsSync(join(root, name)));
  const { fileName = file ?? usual } = place;
  const path = file === undefined ? join(root, usual) : resolve(file);
  const dockerfile = decodeSource(fileName, readDockerfile(path, fileName));
  return { ...filesIn(root, [`${path}.dockerignore`, join(root, '.dockerignore')]), dockerfile };
}

/** What a Dockerfile is called that nobody has named. */
export function usualName(isThere: (name: string) => boolean): string {
  return !isThere('Dockerfile') && isThere('dockerfile') ? 'dockerfile' : 'Dockerfile';
}

/**
 * Opens a directory as a further context, without a Dockerfile.
 *
 * @throws {ClocheError} `CONTEXT_NOT_FOUND`, `DOCKERIGNORE_INVALID`
 */
export function openFiles(directory: string): ContextFiles {
  const root = rootOf(directory);
  return filesIn(root, [join(root, '.dockerignore')]);
}

function rootOf(directory: string): string {
  const root = resolve(directory);
  if (existsSync(root) && statSync(root).isDirectory()) return root;
  throw new ClocheError('CONTEXT_NOT_FOUND', `path "${directory}" not found`, {
    class: 'not-found',
    hint: 'A build context is a directory, often a dot.',
  });
}

function filesIn(root: string, ignoreFiles: readonly string[]): ContextFiles {
  const ignoreFile = ignoreFiles.find(existsSync);
  const layers = [{ directory: root, opaque: [] }];
  if (ignoreFile === undefined) return { tree: { layers }, ignoreFile };
  return { tree: { layers, hides: hiding(ignoreFile) }, ignoreFile };
}

/** @throws {ClocheError} `DOCKERIGNORE_INVALID` */
function hiding(file: string): NonNullable<Tree['hides']> {
  try {
    return ignoring(patternLines(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new ClocheError('DOCKERIGNORE_INVALID', `${file}: ${(cause as Error).message}`, {
      class: 'invalid-argument',
      hint: 'A pattern is a path with *, ?, [a-z] and **; a backslash keeps one of these as it is.',
      cause,
    });
  }
}

function readDockerfile(path: string, name: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ClocheError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: open ${name}`, {
      class: 'not-found',
      hint: `There is no '${path}'; name another with -f.`,
      cause,
    });
  }
}
