import { closeSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import {
  type Container,
  type Engine,
  getContainer,
  openEngine,
  settleAll,
} from '../engine/index.ts';
import { openToType, resizeTerminal } from '../engine/life/input.ts';
import { stateOf } from '../engine/life/state.ts';
import { waitForContainer } from '../engine/life/stop.ts';
import { readPieces } from '../engine/look/logs.ts';
import { ClocheError } from '../error.ts';
import { DETACH_KEYS, KeyWatch, parseKeys } from './detach-keys.ts';
import { writeAll } from './logs.ts';
import { print } from './print.ts';
import {
  requireTerminal,
  terminalSize,
  withForwardedSignals,
  withRawTerminal,
} from './terminal.ts';

interface Flags {
  readonly stdin: boolean;
  readonly sigProxy: boolean;
  readonly detachKeys: string;
}

/**
 * `cloche attach`: prints what a container in the background prints from now on, gives it what is typed if it
 * was started with -i, and ends as it ends; or is left by the detach keys, and the container goes on.
 */
export function attachCommand(): Command {
  return new Command('attach')
    .description('Join a running container: its output, and with -i its input')
    .argument('<container>')
    .option('--detach-keys <keys>', 'what leaves it, at a terminal', DETACH_KEYS)
    .option('--no-stdin', 'give it no input')
    .option('--no-sig-proxy', 'keep signals for ourselves: Ctrl-C then leaves it running')
    .action(async (name: string, flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      process.exitCode = await attach(engine, name, flags);
    });
}

/** @returns its exit code; 0 if it was left */
export async function attach(
  engine: Engine,
  name: string,
  flags: Flags = { stdin: true, sigProxy: true, detachKeys: DETACH_KEYS },
): Promise<number> {
  const keys = parseKeys(flags.detachKeys);
  const container = getContainer(engine, name);
  requireRunning(stateOf(engine, container));
  const input = flags.stdin ? openToType(engine, container) : undefined;
  const isTyped = input !== undefined && container.options.tty;
  if (isTyped) requireTerminal();
  const ended = outputOf(engine, container);
  if (isTyped) return await typing(container, input, keys, ended);
  // It ends when there is no more of it, as with docker; the container does not.
  if (input !== undefined) carry(input).catch(() => undefined);
  if (!flags.sigProxy) return await ended;
  return await withForwardedSignals(async (onStarted) => {
    if (container.pid !== undefined) onStarted(container.pid);
    return await ended;
  });
}

/** Prints what comes. @returns its exit code, when it has ended */
async function outputOf(engine: Engine, container: Container): Promise<number> {
  const code = waitForContainer(engine, container.id);
  for await (const { stream, data } of readPieces(engine, container, Date.now()))
    if (!writeAll(stream === 'stdout' ? 1 : 2, data)) break;
  return await code;
}

/** At a terminal, until it ends or is left. */
async function typing(
  { pid }: Container,
  input: number,
  keys: Uint8Array,
  ended: Promise<number>,
): Promise<number> {
  const resize = (size = terminalSize()) => {
    if (pid !== undefined && size !== undefined) void resizeTerminal(pid, size);
  };
  resize();
  const left = async (): Promise<number | 'left'> =>
    (await carry(input, new KeyWatch(keys))) ? 'left' : await ended;
  const code = await withRawTerminal(resize, Promise.race([ended, left()]));
  if (code !== 'left') return code;
  print('read escape sequence\n', 2);
  return 0;
}

/** Gives it what comes on standard input. @returns whether the keys that leave it were among it */
async function carry(input: number, watch?: KeyWatch): Promise<boolean> {
  for await (const typed of process.stdin) {
    const { through, isLeft } = watch?.pass(typed) ?? {
      through: typed as Uint8Array,
      isLeft: false,
    };
    await writeWhole(input, through);
    if (isLeft) return true;
  }
  closeSync(input);
  return false;
}

/** A program that does not read makes us wait. */
async function writeWhole(input: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(input, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      await sleep(10);
    }
  }
}

/** @throws {ClocheError} `NOT_RUNNING`, in docker's words */
function requireRunning(state: string): void {
  if (state === 'running') return;
  const [what, how] = state === 'paused' ? ['paused', 'unpause'] : ['stopped', 'start'];
  throw new ClocheError('NOT_RUNNING', `cannot attach to a ${what} container, ${how} it first`, {
    class: 'conflict',
  });
}
