import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../../error.ts';
import { type Store, temporaryPath } from '../../store.ts';
import { runTool } from '../tool.ts';

/** npm's own client does the asking, with the host's configuration: its registry, proxy and CAs. */
export interface Npm {
  readonly store: Store;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Fields of a package, or of those of its versions that `spec` names: `npm view spec fields`.
 *
 * @throws {ClocheError} `NPM_NOT_FOUND`, `NPM_UNREACHABLE`, `NPM_FAILED`, `TOOL_MISSING`
 */
export async function viewPackage(
  npm: Npm,
  spec: string,
  fields: readonly string[],
): Promise<unknown> {
  return JSON.parse((await runNpm(npm, npm.store.root, ['view', spec, ...fields])) || 'null');
}

/**
 * The tarball of one version of a package, its content verified; kept in the store's `cache/npm`.
 *
 * @throws {ClocheError} as `viewPackage`, and `NPM_INTEGRITY`
 */
export async function packageTarball(npm: Npm, name: string, version: string): Promise<string> {
  const integrity = await viewPackage(npm, `${name}@${version}`, ['dist.integrity']);
  if (typeof integrity !== 'string') throw failed(`${name}@${version} has no integrity`, []);
  const cache = join(npm.store.root, 'cache/npm');
  const kept = join(cache, `${name}-${version}.tgz`);
  if (existsSync(kept) && (await isIntact(kept, integrity))) return kept;
  const scratch = temporaryPath(npm.store);
  for (const directory of [cache, scratch]) mkdirSync(directory, { recursive: true, mode: 0o711 });
  try {
    await runNpm(npm, scratch, ['pack', `${name}@${version}`]);
    const packed = join(scratch, `${name}-${version}.tgz`);
    if (!(await isIntact(packed, integrity))) throw tampered(name, version, integrity);
    renameSync(packed, kept);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return kept;
}

/** Of the hashes in a subresource integrity the strongest must match (npm: `dist.integrity`). */
async function isIntact(path: string, integrity: string): Promise<boolean> {
  const strongest = integrity.split(/\s+/).find((one) => one.startsWith('sha512-'));
  if (strongest === undefined) return false;
  const hash = new Bun.CryptoHasher('sha512');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return `sha512-${hash.digest('base64')}` === strongest;
}

/** Who is offline waits for two seconds and not for seventy, npm's own patience. */
const MANNERS = {
  npm_config_update_notifier: 'false',
  npm_config_loglevel: 'error',
  npm_config_fetch_retry_mintimeout: '500',
  npm_config_fetch_retry_maxtimeout: '2000',
};

/** Runs elsewhere than where the user stands: the `.npmrc` of a project there is not meant. */
async function runNpm(npm: Npm, cwd: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, ...MANNERS };
  const { code, stdout, lines } = await runTool('npm', [...args, '--json'], {
    ...{ cwd, env, signal: npm.signal },
  });
  if (code === 0) return stdout;
  throw failed(`npm ${args.join(' ')} failed`, lines);
}

function failed(message: string, lines: readonly string[]): ClocheError {
  const output = lines.join('\n');
  const details = { output: lines.slice(-20) };
  const summary = /"summary": "([^"]*)/.exec(output)?.[1] ?? lines.at(-1) ?? '';
  if (/\bE404\b/.test(output))
    return new ClocheError('NPM_NOT_FOUND', `${message}: ${summary}`, {
      class: 'not-found',
      hint: 'The registry that npm is configured for does not have it.',
      details,
    });
  if (/\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/.test(output))
    return new ClocheError('NPM_UNREACHABLE', `${message}: ${summary}`, {
      class: 'unavailable',
      hint: 'Does `npm ping` work here? npm is configured by `npm config` and ~/.npmrc.',
      details,
    });
  return new ClocheError('NPM_FAILED', `${message}: ${summary}`, {
    hint: lines.slice(-5).join('\n') || undefined,
    details,
  });
}

function tampered(name: string, version: string, integrity: string): ClocheError {
  return new ClocheError('NPM_INTEGRITY', `what npm fetched as ${name}@${version} is not it`, {
    class: 'unavailable',
    hint: `Its content should be ${integrity}; the registry or something before it changed it.`,
    details: { name, version, integrity },
  });
}
