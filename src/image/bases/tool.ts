import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ClocheError } from '../../error.ts';

export interface ToolOptions {
  readonly cwd?: string | undefined;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with each line of both its outputs. */
  readonly onLine?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Ran {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** Of both its outputs, as they came. */
  readonly lines: readonly string[];
}

/**
 * Runs a program of the host and waits for it. It ends with us, even if we are killed
 * (PR_SET_PDEATHSIG).
 *
 * @throws {ClocheError} `TOOL_MISSING`: it is not installed; the signal's reason.
 */
export async function runTool(
  name: string,
  args: readonly string[],
  { cwd, env, onLine, signal }: ToolOptions,
): Promise<Ran> {
  if (Bun.which(name, { PATH: process.env.PATH ?? '' }) === null) throw missing(name);
  const child = spawn('sh', ['-c', MANNERLY, 'sh', name, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    ...{ cwd, env, signal },
  });
  const lines: string[] = [];
  const out: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => {
      lines.push(line);
      if (stream === child.stdout) out.push(line);
      onLine?.(line);
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    // Node's own AbortError does not say why.
    child.on('error', (error) => reject(signal?.aborted === true ? signal.reason : error));
    child.on('close', resolve);
  });
  return { code, stdout: out.join('\n'), lines };
}

/** What it makes has the usual modes, whatever the user's umask is: it ends up in images. */
const MANNERLY = 'umask 022 && exec setpriv --pdeathsig KILL "$@"';

/** As `runTool`, and it must succeed. @throws {ClocheError} `TOOL_FAILED`, too */
export async function needTool(
  name: string,
  args: readonly string[],
  options: ToolOptions,
): Promise<Ran> {
  const ran = await runTool(name, args, options);
  if (ran.code === 0) return ran;
  throw new ClocheError('TOOL_FAILED', `${name} failed (${ran.code}): ${ran.lines.at(-1) ?? ''}`, {
    hint: ran.lines.slice(-5).join('\n'),
    details: { tool: name, args, code: ran.code, output: ran.lines.slice(-20) },
  });
}

/** For programs whose work must not depend on whose HOME, locale or TMPDIR it is. */
export function plainEnv(): Record<string, string | undefined> {
  return { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...environmentProxies() };
}

function environmentProxies(): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'no_proxy'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name] ?? process.env[name.toUpperCase()];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function missing(name: string): ClocheError {
  return new ClocheError('TOOL_MISSING', `${name} is not installed`, {
    class: 'unavailable',
    hint: `apt-get install ${PACKAGE_OF[name] ?? name}`,
    details: { tool: name },
  });
}

/** Debian's packages, where they are called otherwise. */
const PACKAGE_OF: Readonly<Record<string, string>> = { 'dpkg-deb': 'dpkg', 'apt-get': 'apt' };
