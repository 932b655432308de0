import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClocheError } from '../error.ts';
import { type Store, temporaryPath } from '../image/index.ts';
import { type AgentSource, readAgents } from './mounts/index.ts';

/**
 * Does `action` with the agents' sockets that `--ssh` names, by id: `ID`, `ID=SOCKET`, or
 * `ID=KEY[,KEY]`, for which an agent is started. It ends with `action`, or with us if we are killed.
 *
 * @throws {ClocheError} `SSH_INVALID`, `TOOL_MISSING`
 */
export async function withAgents<T>(
  store: Store,
  texts: readonly string[],
  action: (sockets: ReadonlyMap<string, string>) => Promise<T>,
): Promise<T> {
  const sockets = new Map<string, string>();
  const next = async ([source, ...rest]: readonly AgentSource[]): Promise<T> => {
    if (source === undefined) return action(sockets);
    if (source.keys === undefined) {
      sockets.set(source.id, source.socket);
      return next(rest);
    }
    return withAgent(store, source.keys, (socket) => {
      sockets.set(source.id, socket);
      return next(rest);
    });
  };
  return next(readAgents(texts));
}

async function withAgent<T>(
  store: Store,
  keys: readonly string[],
  action: (socket: string) => Promise<T>,
): Promise<T> {
  for (const tool of ['ssh-agent', 'ssh-add']) if (Bun.which(tool) === null) throw missing(tool);
  const directory = placeFor(store);
  const socket = join(directory, 'agent');
  // Not a daemon of its own: it must not outlive us, however we end.
  const words = ['--pdeathsig', 'KILL', 'ssh-agent', '-D', '-a', socket];
  // Loaded when needed: it takes longer to load than the rest of the builder.
  const { spawn } = await import('node:child_process');
  const agent = spawn('setpriv', words, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => {
    agent.once('close', () => resolve());
    agent.once('error', () => resolve());
  });
  try {
    await listening(agent, socket);
    for (const key of keys) await addKey(socket, key);
    return await action(socket);
  } finally {
    agent.kill();
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
}

/** In the store, where it is cleared away after a kill, unless the path is too long for a socket (unix(7)). */
function placeFor(store: Store): string {
  const directory = temporaryPath(store);
  if (directory.length > 90) return mkdtempSync(join(tmpdir(), 'cloche-ssh-'));
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}

async function listening(agent: ChildProcess, socket: string): Promise<void> {
  for (let waited = 0; !existsSync(socket); waited++) {
    if (agent.exitCode !== null || waited > 500)
      throw new ClocheError('SSH_INVALID', 'ssh-agent does not start', { class: 'unavailable' });
    await Bun.sleep(10);
  }
}

/** From its standard input ssh-add takes a key whatever the mode of its file is, as buildx does. */
async function addKey(socket: string, key: string): Promise<void> {
  const child = Bun.spawn(['ssh-add', '-q', '-'], {
    stdin: readFileSync(key),
    stdout: 'ignore',
    stderr: 'pipe',
    env: { PATH: process.env.PATH, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: 'never' },
  });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) === 0) return;
  throw new ClocheError('SSH_INVALID', `failed to parse ${key}: ${reasonOf(said)}`, {
    class: 'invalid-argument',
    hint: 'A key with a passphrase goes into an agent of your own: ssh-add KEY, and then --ssh default.',
  });
}

function reasonOf(said: string): string {
  const isLocked = /passphrase|askpass/i.test(said);
  return isLocked ? 'it has a passphrase' : (said.trim().split('\n').at(-1) ?? '');
}

function missing(tool: string): ClocheError {
  return new ClocheError('TOOL_MISSING', `${tool} is not installed`, {
    class: 'unavailable',
    hint: 'apt-get install openssh-client, or say the socket of an agent: --ssh default=SOCKET',
    details: { tool },
  });
}
