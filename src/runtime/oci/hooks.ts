import { ClocheError } from '../../error.ts';
import type { Hook } from '../spec.ts';
import type { State } from './state.ts';

/**
 * Runs hooks one after another, each with the container's state on its standard input.
 * Source: runtime-spec `config.md`, POSIX-platform hooks.
 *
 * @throws {ClocheError} `HOOK_FAILED`: which one, its exit code, that its time was over or that it is none.
 */
export async function runHooks(hooks: readonly Hook[] | undefined, state: State): Promise<void> {
  for (const hook of hooks ?? []) await runHook(hook, state);
}

/** Runs them all, whatever becomes of one: what they follow has happened, and failures are only said. */
export async function runHooksAnyway(
  hooks: readonly Hook[] | undefined,
  state: State,
  onWarnings: ((warnings: readonly string[]) => void) | undefined,
): Promise<void> {
  for (const hook of hooks ?? []) {
    try {
      await runHook(hook, state);
    } catch (error) {
      onWarnings?.([(error as Error).message]);
    }
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended just now.
  }
}

async function runHook(hook: Hook, state: State): Promise<void> {
  const { path, timeout } = hook;
  const child = begin(hook, state);
  let late = false;
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          late = true;
          killGroup(child.pid);
        }, timeout * 1000);
  const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  clearTimeout(timer);
  if (code === 0) return;
  const how = late ? `took longer than ${timeout} s` : `exited with ${code}`;
  throw new ClocheError('HOOK_FAILED', `hook '${path}' ${how}`, {
    hint: said.trim() === '' ? undefined : said.trim(),
    details: { path, exitCode: code },
  });
}

function begin({ path, args, env }: Hook, state: State) {
  try {
    return Bun.spawn([path, ...(args ?? []).slice(1)], {
      argv0: args?.[0] ?? path,
      env: Object.fromEntries((env ?? []).map((entry) => entry.split(/=(.*)/s).slice(0, 2))),
      stdin: Buffer.from(JSON.stringify(state)),
      stdout: 'ignore',
      stderr: 'pipe',
      // A group of its own, so that what it has started ends with it.
      detached: true,
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ClocheError(
      'HOOK_FAILED',
      `hook '${path}' cannot be run: ${REASON[code ?? ''] ?? code}`,
      {
        hint: 'a hook is a program of the host, with its absolute path',
        details: { path, errno: code },
        cause,
      },
    );
  }
}

const REASON: Readonly<{ [errno: string]: string }> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
};
