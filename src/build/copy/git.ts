import { ClocheError } from '../../error.ts';

/** Whether a source means a git repository: `https://host/a.git#ref:directory`, `git@host:a`. */
export function isRepository(source: string): boolean {
  if (/^(git:\/\/|ssh:\/\/|git@)/.test(source)) return true;
  return /^(https?|file):\/\/[^#?]+\.git(#|$)/.test(source) || /^github\.com\//.test(source);
}

/**
 * Fetches one commit of a repository into an empty directory; gives the path in it that the source
 * names after the colon, '' being all.
 *
 * @throws {ClocheError} `GIT_MISSING`, `ADD_FETCH_FAILED`, `ADD_CHECKSUM_MISMATCH`
 */
export async function cloneRepository(
  source: string,
  directory: string,
  about: { readonly commit: string | undefined; readonly signal: AbortSignal },
): Promise<string> {
  const [said = '', fragment = ''] = source.split('#', 2);
  const url = said.startsWith('github.com/') ? `https://${said}` : said;
  const [reference = '', path = ''] = fragment.split(':', 2);
  if (reference.startsWith('-') || url.startsWith('-'))
    throw failed(source, `'${reference || url}' is no name`);
  const git = (...words: string[]) => run(['git', '-C', directory, ...words], source, about.signal);
  await git('init', '-q');
  await git('fetch', '-q', '--depth', '1', '--', url, reference === '' ? 'HEAD' : reference);
  await git('-c', 'advice.detachedHead=false', 'checkout', '-q', 'FETCH_HEAD');
  const commit = (await git('rev-parse', 'HEAD')).trim();
  if (about.commit !== undefined && about.commit !== commit)
    throw new ClocheError('ADD_CHECKSUM_MISMATCH', `commit mismatch ${commit}: ${about.commit}`, {
      class: 'conflict',
      hint: `${source} leads to another commit than --checksum says.`,
    });
  return path;
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
