import { withForwardedSignals, withRawTerminal } from '../terminal.ts';

/** Stays with a program until it ends; `raw` says whether our terminal is its own. @returns its exit code */
export async function withProgram(
  begin: (onStarted: (pid: number) => void) => Promise<number>,
  raw: boolean,
): Promise<number> {
  const ended = withForwardedSignals(begin);
  return raw ? await withRawTerminal(() => undefined, ended) : await ended;
}
