import { ClocheError } from '../error.ts';
import { print } from './print.ts';

/**
 * Asks a person for one line at the terminal.
 *
 * @param secret what is typed does not appear
 * @throws {ClocheError} `NOT_A_TERMINAL`, in docker's words; `INTERRUPTED`
 */
export async function prompt(question: string, { secret = false } = {}): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY)
    throw new ClocheError(
      'NOT_A_TERMINAL',
      'cannot perform an interactive login from a non TTY device',
      {
        class: 'invalid-argument',
        hint: 'Give --username, and the password with --password-stdin.',
      },
    );
  print(question, 2);
  if (secret) stdin.setRawMode(true);
  try {
    return await line(stdin, secret);
  } finally {
    if (secret) stdin.setRawMode(false);
    if (secret) print('\n', 2);
    stdin.pause();
  }
}

const [CTRL_C, CTRL_D, ERASE, DELETE] = ['\x03', '\x04', '\b', '\x7f'];

/** In raw mode the terminal edits nothing, so that is done here. */
async function line(stdin: NodeJS.ReadStream, isRaw: boolean): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const onData = (chunk: string) => {
    for (const [at, key] of [...chunk].entries()) {
      if (isRaw && (key === CTRL_C || key === CTRL_D)) return reject(interrupted());
      if (key === '\r' || key === '\n') {
        // What was typed ahead answers the next question.
        if (at + 1 < chunk.length) stdin.unshift([...chunk].slice(at + 1).join(''));
        return resolve(typed);
      }
      typed = isRaw && (key === ERASE || key === DELETE) ? typed.slice(0, -1) : typed + key;
    }
  };
  stdin
    .setEncoding('utf8')
    .on('data', onData)
    .once('end', () => resolve(typed));
  stdin.resume();
  return promise.finally(() => stdin.off('data', onData));
}

function interrupted(): ClocheError {
  return new ClocheError('INTERRUPTED', 'the login was interrupted', { hint: 'Nothing was kept.' });
}
