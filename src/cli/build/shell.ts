import type { BuildShell, OpenShell } from '../../engine/build/index.ts';
import { ClocheError } from '../../error.ts';
import { printError } from '../output.ts';
import { isTerminal, painted, print } from '../print.ts';
import { terminalSize, withRawTerminal } from '../terminal.ts';
import type { BuildPrinter } from './printer.ts';

/**
 * Lends our terminal to a shell where the first RUN has failed; without a terminal, if
 * `interactive`, our standard input.
 *
 * @throws {ClocheError} `NOT_A_TTY`
 */
export function buildShell(printer: BuildPrinter, interactive: boolean): BuildShell {
  const tty = process.stdin.isTTY === true && (isTerminal(1) || isTerminal(2));
  if (!tty && !interactive)
    throw new ClocheError('NOT_A_TTY', '--debug opens a shell, and the input device is not a TTY', {
      class: 'invalid-argument',
      hint: 'Build at a terminal, or say -i as well: then the shell reads standard input.',
    });
  let shown: Promise<void> | undefined;
  const screen = isTerminal(1) ? 1 : 2;
  return {
    tty,
    stdio: tty ? [0, screen, screen] : [0, 1, 2],
    size: () => (tty ? terminalSize() : undefined),
    // What fails beside the first waits for its shell: the build's end would end that.
    show: (why, open, signal) => (shown ??= printer.aside(() => lend(why, open, { tty, signal }))),
  };
}

/** What goes wrong with the shell is said, and is not why the build fails. */
async function lend(
  why: string,
  open: () => Promise<OpenShell>,
  { tty, signal }: { readonly tty: boolean; readonly signal: AbortSignal },
): Promise<void> {
  print(`${painted(2, 31, 'RUN:')} ${why}\n`, 2);
  print('A shell in the state that it left; the build ends when you leave it (exit).\n', 2);
  try {
    const { exited, resize } = await open();
    await (tty ? withRawTerminal(resize, exited) : exited);
  } catch (error) {
    if (!signal.aborted) printError(error);
  }
}

/** Says of a RUN that failed how to look round in it. */
export function withDebugHint(error: unknown): unknown {
  if (!(error instanceof ClocheError) || error.code !== 'RUN_FAILED') return error;
  const how = 'cloche build --debug opens a shell in that very state.';
  return new ClocheError(error.code, error.message, {
    ...{ class: error.class, details: error.details, cause: error.cause },
    hint: error.hint === undefined ? how : `${error.hint}\n${how}`,
  });
}
