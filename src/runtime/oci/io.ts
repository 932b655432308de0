import { ClocheError } from '../../error.ts';
import type { Io } from '../birth/birth.ts';
import type { Process } from '../spec.ts';

/**
 * What becomes of a process's input and output.
 *
 * @param otherwise what to do with a terminal that no socket is named for: with `console` there must
 *   be one, since nobody stays to carry what is typed
 * @throws {ClocheError} `CONSOLE_SOCKET_INVALID`, `CONSOLE_SOCKET_MISSING`
 */
export function ioOf(
  process: Pick<Process, 'terminal'> | undefined,
  options: { readonly consoleSocket?: string | undefined },
  otherwise: 'terminal' | 'console',
): Io {
  if (process?.terminal !== true) {
    if (options.consoleSocket === undefined) return { kind: 'inherit' };
    throw new ClocheError(
      'CONSOLE_SOCKET_INVALID',
      'cannot use console socket if no terminal is asked for',
      {
        class: 'invalid-argument',
        hint: 'set process.terminal in config.json, or leave --console-socket away',
      },
    );
  }
  if (options.consoleSocket !== undefined)
    return { kind: 'console', socket: options.consoleSocket };
  if (otherwise === 'terminal') return { kind: 'terminal' };
  throw new ClocheError(
    'CONSOLE_SOCKET_MISSING',
    'cannot allocate tty if cloche will detach without setting console socket',
    {
      class: 'invalid-argument',
      hint: '--console-socket PATH names the unix socket that the terminal is sent to',
    },
  );
}
