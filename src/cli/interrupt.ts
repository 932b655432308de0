import { ClocheError } from '../error.ts';

/** Does `action` with a signal that Ctrl-C and SIGTERM abort, so that it can clear away after itself. */
export async function interruptible<T>(
  what: string,
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = () =>
    controller.abort(
      new ClocheError('INTERRUPTED', `${what} was interrupted`, {
        hint: 'Nothing is left half done; what is complete is not done again.',
      }),
    );
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await action(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
