import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClocheError } from '../error.ts';
import { fromRaw, type RawPath } from '../image/layer/scan.ts';
import type { Tree } from '../image/tree.ts';
import type { Source } from './dockerfile/source.ts';

/** What the user gives to a build: files, less those that `.dockerignore` names. */
export interface Context {
  readonly tree: Tree;
  readonly dockerfile: Source;
  /** The file that the patterns come from, if there is one. */
  readonly ignoreFile: string | undefined;
}

/**
 * Opens a build context. The Dockerfile is `Dockerfile` in it, or `file`, which may lie elsewhere;
 * `<its name>.dockerignore` beside it wins over the context's `.dockerignore`.
 *
 * @throws {ClocheError} `CONTEXT_NOT_FOUND`, `DOCKERFILE_NOT_FOUND`
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
  const dockerfile = { name: file ?? 'Dockerfile', text: readDockerfile(path, file) };
  const layers = [{ directory: root, opaque: [] }];
  if (ignoreFile === undefined) return { tree: { layers }, dockerfile, ignoreFile };
  const hides = await ignoring(readFileSync(ignoreFile, 'utf8'));
  return { tree: { layers, hides }, dockerfile, ignoreFile };
}

/**
 * `.dockerignore` as a predicate. An ignored directory stays visible where an exception (`!…`) names
 * something in it, as in moby.
 */
async function ignoring(patterns: string): Promise<NonNullable<Tree['hides']>> {
  const { default: dockerignore } = await import('@balena/dockerignore');
  const text = patterns.replace(/^\uFEFF/, '');
  const matcher = dockerignore({ ignorecase: false }).add(text);
  const exceptions = [...text.matchAll(/^\s*!\s*\/?(.*?)\/?\s*$/gm)].map(([, path]) => `${path}/`);
  return (path: RawPath, isDirectory) => {
    const name = fromRaw(path).toString('utf8');
    if (!matcher.ignores(name)) return false;
    return !(isDirectory && exceptions.some((exception) => exception.startsWith(`${name}/`)));
  };
}

function readDockerfile(path: string, said: string | undefined): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const name = said ?? 'Dockerfile';
    throw new ClocheError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: open ${name}`, {
      class: 'not-found',
      hint: `There is no '${path}'; name another with -f.`,
      cause,
    });
  }
}
