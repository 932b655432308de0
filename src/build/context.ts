import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClocheError } from '../error.ts';
import type { Tree } from '../image/tree.ts';
import type { Digests } from './copy/digests.ts';
import { ignoring, patternLines } from './copy/ignore.ts';
import { decodeSource, type Source } from './dockerfile/source.ts';

/** What the user gives to a build: files, less those that `.dockerignore` names. */
export interface Context {
  readonly tree: Tree;
  readonly dockerfile: Source;
  /** The file that the patterns come from, if there is one. */
  readonly ignoreFile: string | undefined;
  /** Knows what its files hold; without it they are read. */
  readonly digests?: Digests | undefined;
}

/**
 * Opens a build context. The Dockerfile is `Dockerfile` in it, or `file`, which may lie elsewhere;
 * `<its name>.dockerignore` beside it wins over the context's `.dockerignore`.
 *
 * @throws {ClocheError} `CONTEXT_NOT_FOUND`, `DOCKERFILE_NOT_FOUND`, `DOCKERFILE_INVALID`: it is no text;
 * `DOCKERIGNORE_INVALID`
 */
export async function openContext(directory: string, file?: string): Promise<Context> {
  const root = resolve(directory);
  if (!existsSync(root) || !statSync(root).isDirectory())
    throw new ClocheError('CONTEXT_NOT_FOUND', `path "${directory}" not found`, {
      class: 'not-found',
      hint: 'The last argument of a build is a directory, often a dot.',
    });
  const path = file === undefined ? join(root, 'Dockerfile') : resolve(file);
  const ignoreFile = [`${path}.dockerignore`, join(root, '.dockerignore')].find(existsSync);
  const dockerfile = decodeSource(file ?? 'Dockerfile', readDockerfile(path, file));
  const layers = [{ directory: root, opaque: [] }];
  if (ignoreFile === undefined) return { tree: { layers }, dockerfile, ignoreFile };
  const hides = hiding(ignoreFile);
  return { tree: { layers, hides }, dockerfile, ignoreFile };
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

function readDockerfile(path: string, said: string | undefined): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const name = said ?? 'Dockerfile';
    throw new ClocheError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: open ${name}`, {
      class: 'not-found',
      hint: `There is no '${path}'; name another with -f.`,
      cause,
    });
  }
}
