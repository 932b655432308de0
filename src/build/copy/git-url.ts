import { isTrue } from '../predefined.ts';

/** A git repository as a source names it, `https://host/a.git?branch=main&subdir=docs` taken apart. */
export interface RepositoryUrl {
  /** What git is given: without query and fragment. */
  readonly remote: string;
  /** A branch, a tag, a whole commit; '' is what the repository begins with. */
  readonly ref: string;
  /** The commit that it must lead to, or how that begins. */
  readonly commit: string | undefined;
  /** A path in it; '' is all. */
  readonly subdir: string;
  /** Whether `.git` stays; undefined where the URL does not say. */
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean;
}

/** Whether a source means a git repository: `https://host/a.git#ref:directory`, `git@host:a`. */
export function isRepository(source: string): boolean {
  if (/^(git:\/\/|ssh:\/\/|git@)/.test(source)) return true;
  return /^(https?|file):\/\/[^#?]+\.git([#?]|$)/.test(source) || /^github\.com\//.test(source);
}

/** Whether a source of ADD is fetched, and is no file of the context. */
export function isRemote(source: string): boolean {
  return /^https?:\/\//i.test(source) || isRepository(source);
}

/**
 * Takes a repository's source apart. A fragment says `ref:directory`; a query the same by names, and more, and must
 * not say otherwise. Pure.
 *
 * @throws {SyntaxError} a key that is unknown, twice there, or contradicts
 * @see https://docs.docker.com/build/concepts/context/#url-queries
 */
export function parseRepository(source: string): RepositoryUrl {
  const [before = '', fragment = ''] = source.split(/#(.*)/s, 2);
  // `git@host:a` is no URL, and has no query.
  const [said = '', query = ''] = before.startsWith('git@') ? [before] : before.split(/\?(.*)/s, 2);
  const remote = said.startsWith('github.com/') ? `https://${said}` : said;
  const [named = '', path = ''] = fragment.split(/:(.*)/s, 2);
  const values = valuesOf(query);
  const branch = prefixed('refs/heads/', values.get('branch'));
  const tag = prefixed('refs/tags/', values.get('tag'));
  if (branch !== undefined && tag !== undefined) throw new SyntaxError('branch conflicts with tag');
  const commit = same('commit', [values.get('commit'), values.get('checksum')]);
  const ref = same('ref', [named, values.get('ref'), tag, branch]) ?? commit ?? '';
  for (const word of [ref, remote])
    if (word.startsWith('-')) throw new SyntaxError(`'${word}' is no name`);
  return {
    ...{ remote, ref, commit, subdir: same('subdir', [path, values.get('subdir')]) ?? '' },
    keepGitDir: truth('keep-git-dir', values.get('keep-git-dir')),
    submodules: truth('submodules', values.get('submodules')) ?? true,
  };
}

const KEYS = ['ref', 'tag', 'branch', 'subdir', 'checksum', 'commit', 'keep-git-dir', 'submodules'];
const SWITCHES = ['keep-git-dir', 'submodules'];

function valuesOf(query: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!KEYS.includes(key)) throw new SyntaxError(`unexpected query "${key}"`);
    if (values.has(key)) throw new SyntaxError(`query "${key}" has multiple values`);
    if (value === '' && !SWITCHES.includes(key))
      throw new SyntaxError(`query "${key}" has no value`);
    values.set(key, value);
  }
  return values;
}

/** What all say who say something. */
function same(what: string, said: readonly (string | undefined)[]): string | undefined {
  const [first, ...others] = said.filter((one) => one !== undefined && one !== '');
  const other = others.find((one) => one !== first);
  if (other !== undefined)
    throw new SyntaxError(
      `${what} conflicts: ${JSON.stringify(first)} vs ${JSON.stringify(other)}`,
    );
  return first;
}

function prefixed(prefix: string, name: string | undefined): string | undefined {
  return name === undefined || name.startsWith(prefix) ? name : `${prefix}${name}`;
}

/** Go's strconv.ParseBool; a key without a value is said. */
function truth(key: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value === '' || isTrue(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new SyntaxError(`invalid ${key} value: "${value}"`);
}
