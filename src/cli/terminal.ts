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

/**
 * Stays with a program that tells, when it has begun, by what pid it is known: then signals that we get are
 * passed on to it. Before that they end us, as ever, and whatever is bound to us.
 *
 * @param raw whether our terminal is the program's
 */
export async function withProgram<T>(
  begin: (onStarted: (pid: number) => void) => Promise<T>,
  raw: boolean,
): Promise<T> {
  const started = Promise.withResolvers<number>();
  const ended = begin(started.resolve);
  const attended = Promise.race([started.promise, ended.then(() => undefined)]).then(
    async (pid) => await withForwardedSignals(() => pid, ended),
  );
  return raw ? await withRawTerminal(() => undefined, attended) : await attended;
}

/** While `action` lasts, signals that we get are passed on to the process `pid`. */
export async function withForwardedSignals<T>(
  pid: () => number | undefined,
  action: Promise<T>,
): Promise<T> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
  const handlers = signals.map((signal) => {
    const forward = () => {
      const target = pid();
      if (target === undefined) return;
      try {
        process.kill(target, signal);
      } catch {
        // It has ended just now.
      }
    };
    process.on(signal, forward);
    return [signal, forward] as const;
  });
  try {
    return await action;
  } finally {
    for (const [signal, forward] of handlers) process.off(signal, forward);
  }
}
