import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { fromRaw, scanAll, toRaw } from '../../image/layer/scan.ts';
import { removeTree } from '../../image/state/remove-tree.ts';
import { parseRepository, type RepositoryUrl } from './git-url.ts';

export interface CloneOptions {
  /** The commit that it must be, beside what the source says. */
  readonly commit: string | undefined;
  /** Whether `.git` stays, where the source does not say. */
  readonly keepGitDir: boolean;
  readonly signal: AbortSignal;
}

/**
 * Fetches one commit of a repository into an empty directory, and what it has as submodules; gives the path
 * in it that the source names, '' being all.
 *
 * @throws {ClocheError} `GIT_MISSING`, `ADD_FETCH_FAILED`, `ADD_CHECKSUM_MISMATCH`
 */
export async function cloneRepository(
  source: string,
  directory: string,
  about: CloneOptions,
): Promise<string> {
  const { remote, ref, subdir, submodules, ...said } = read(source);
  const git = (...words: string[]) =>
    // What a repository says must not make files of this machine its submodules.
    run(['git', '-C', directory, '-c', 'protocol.file.allow=user', ...words], source, about.signal);
  await git('init', '-q');
  // A submodule's URL may be relative to it.
  await git('config', 'remote.origin.url', remote);
  await git('fetch', '-q', '--depth', '1', '--', remote, ref === '' ? 'HEAD' : ref);
  await git('-c', 'advice.detachedHead=false', 'checkout', '-q', 'FETCH_HEAD');
  const commit = (await git('rev-parse', 'HEAD')).trim();
  for (const wanted of [about.commit, said.commit])
    if (wanted !== undefined && !commit.startsWith(wanted)) throw mismatch(source, wanted, commit);
  if (submodules && existsSync(join(directory, '.gitmodules')))
    await git('submodule', '-q', 'update', '--init', '--recursive', '--depth=1');
  if (!(said.keepGitDir ?? about.keepGitDir)) removeGitDirs(directory);
  else {
    // Whoever has the image needs no password of ours.
    await git('config', 'remote.origin.url', withoutUser(remote));
    rmSync(join(directory, '.git/FETCH_HEAD'));
  }
  return subdir;
}

function read(source: string): RepositoryUrl {
  try {
    return parseRepository(source);
  } catch (error) {
    throw failed(source, (error as SyntaxError).message);
  }
}

/** Its own and those of its submodules: nobody else's file can be called so. */
function removeGitDirs(directory: string): void {
  const names = existsSync(join(directory, '.gitmodules'))
    ? scanAll(directory).map(({ path }) => path)
    : ['.git'];
  for (const path of names.filter((path) => /(^|\/)\.git$/.test(path)))
    removeTree(fromRaw(`${toRaw(directory)}/${path}`));
}

function withoutUser(remote: string): string {
  return remote.replace(/^(https?:\/\/)[^/@]*@/, '$1');
}

function mismatch(source: string, wanted: string, commit: string): ClocheError {
  return new ClocheError('ADD_CHECKSUM_MISMATCH', `commit mismatch ${commit}: ${wanted}`, {
    class: 'conflict',
    hint: `${source} leads to another commit than was said.`,
  });
}

async function run(argv: string[], source: string, signal: AbortSignal): Promise<string> {
  // It must never ask: nobody sees its question.
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_COUNT: '0' };
  const child = start(argv, env, signal);
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) === 0) return out;
  signal.throwIfAborted();
  throw failed(source, said.trim().split('\n').at(-1) ?? '');
}

function start(argv: string[], env: NodeJS.ProcessEnv, signal: AbortSignal) {
  try {
    return Bun.spawn(argv, { env, signal, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  } catch (cause) {
    throw new ClocheError('GIT_MISSING', 'git is not installed', {
      class: 'unavailable',
      hint: 'ADD of a repository needs it: apt-get install git.',
      cause,
    });
  }
}

function failed(source: string, why: string): ClocheError {
  return new ClocheError('ADD_FETCH_FAILED', `failed to fetch ${source}: ${why}`, {
    class: 'unavailable',
    hint: 'Try it with git ls-remote; after # stands a branch, a tag or a whole commit.',
    details: { source },
  });
}
