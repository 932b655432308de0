/** How long a registry is waited for, in milliseconds, and how often it is asked again. */
export interface Patience {
  /** Times that a request is sent in all, if the network or the server (5xx, 429) fails. */
  readonly attempts: number;
  /** Before the second attempt; doubled for each further one, and shortened by up to a half at random. */
  readonly pause: number;
  /** Until the answer begins. */
  readonly answer: number;
  /** Between two pieces of a body, read or sent. */
  readonly silence: number;
  /** The longest `Retry-After` that is waited for; a registry that asks for more has refused. */
  readonly retryAfter: number;
}

export const PATIENCE: Patience = {
  attempts: 5,
  pause: 500,
  answer: 30_000,
  silence: 30_000,
  retryAfter: 30_000,
};

/** The pause after the `attempt`th failure, counted from 1. */
export function pauseAfter(patience: Patience, attempt: number): number {
  return patience.pause * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

/** Sleeps, unless the signal ends it. @throws the signal's reason */
export async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  const stop = () => reject(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}
