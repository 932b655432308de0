import { posix } from 'node:path';
import { type RawPath, toRaw } from '../../image/layer/scan.ts';
import { pathMatcher } from './wildcard.ts';

/** Whether a path is left out; a directory is left out with all that is in it. */
export type Ignores = (path: RawPath, isDirectory: boolean) => boolean;

/**
 * The patterns of `.dockerignore`, or of `--exclude`, as a predicate over paths from the root: the last
 * that means a path or one of the directories above it decides. An ignored directory stays where an
 * exception (`!…`) may name something in it.
 *
 * Ours, and not the package @balena/dockerignore 1.0: to that `c++` is an error, `a(b)` is no name, and
 * a file called `constructor` is never ignored.
 *
 * @throws {SyntaxError} a pattern that is none
 * @see https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function ignoring(patterns: readonly string[]): Ignores {
  const rules = patterns.flatMap((pattern) => ruleOf(pattern) ?? []);
  return (path, isDirectory) => {
    const isIgnored = rules.reduce(
      (ignored, { matches, isException }) => (matches(path) ? !isException : ignored),
      false,
    );
    if (!isIgnored || !isDirectory) return isIgnored;
    return !rules.some(({ isException, names }) => isException && mayBeIn(names, path));
  };
}

interface Rule {
  readonly isException: boolean;
  readonly names: readonly string[];
  readonly matches: (path: RawPath) => boolean;
}

function ruleOf(pattern: string): Rule | undefined {
  const [, mark, said = ''] = /^\s*(!?)\s*(.*?)\s*$/s.exec(pattern) ?? [];
  const path = toRaw(posix.join('/', said).replace(/^\/|\/$/g, ''));
  if (path === '') return undefined;
  const isWanted = pathMatcher(path);
  const matches = (one: RawPath) => prefixes(one).some(isWanted);
  return { isException: mark === '!', names: path.split('/'), matches };
}

/** `a/b/c` → `a/b/c`, `a/b`, `a`. */
function prefixes(path: RawPath): RawPath[] {
  const found = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    found.push(path.slice(0, at));
  return found;
}

/** The lines of a `.dockerignore` that are patterns: no comments, and no white space around them. */
export function patternLines(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Whether an exception may name something inside of a directory; when in doubt, it may. */
function mayBeIn(exception: readonly string[], directory: string): boolean {
  for (const [index, name] of directory.split('/').entries()) {
    const wanted = exception[index];
    if (wanted === undefined) return false;
    if (/[*?[\\]/.test(wanted)) return true;
    if (wanted !== name) return false;
  }
  return true;
}
