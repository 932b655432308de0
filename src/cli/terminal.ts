import { ClocheError } from '../error.ts';
import type { TerminalSize } from '../linux/winsize.ts';
import { isTerminal, standard } from './print.ts';

/** The size of our terminal; undefined where there is none. */
export function terminalSize(): TerminalSize | undefined {
  const { columns, rows } = standard(isTerminal(1) ? 1 : 2);
  return columns === undefined || rows === undefined ? undefined : { width: columns, height: rows };
}

/** @throws {ClocheError} `NOT_A_TTY`, in docker's words. */
export function requireTerminal(): void {
  if (process.stdin.isTTY !== true)
    throw new ClocheError('NOT_A_TTY', 'the input device is not a TTY', {
      class: 'invalid-argument',
      hint: 'leave -t away where there is no terminal',
    });
}

/**
 * While `action` lasts, what is typed goes to the container as it is, Ctrl-C too, and it hears of
 * every change of the window's size. The shim reads the terminal itself; we only set its mode.
 */
export async function withRawTerminal<T>(
  resize: (size: TerminalSize) => void,
  action: Promise<T>,
): Promise<T> {
  const tell = () => {
    const now = terminalSize();
    if (now !== undefined) resize(now);
  };
  process.stdin.setRawMode(true);
  process.on('SIGWINCH', tell);
  try {
    return await action;
  } finally {
    process.off('SIGWINCH', tell);
    process.stdin.setRawMode(false);
  }
}

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Does what begins a program and waits for its end. It tells by what pid the program is known here; signals
 * that we get are passed on to it, and those that come before it is known wait until it is.
 */
export async function withForwardedSignals<T>(
  action: (onStarted: (pid: number) => void) => Promise<T>,
): Promise<T> {
  const target = Promise.withResolvers<number>();
  const handlers = PASSED_ON.map((signal) => {
    const forward = async () => send(await target.promise, signal);
    process.on(signal, forward);
    return [signal, forward] as const;
  });
  try {
    return await action(target.resolve);
  } finally {
    for (const [signal, forward] of handlers) process.off(signal, forward);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended just now.
  }
}
