import { ClocheError } from '../../error.ts';
import { type Answer, type Ask, exchange } from './exchange.ts';
import { pauseAfter, sleep } from './patience.ts';

/**
 * `exchange`, and again with growing pauses where another attempt may help: the connection broke or
 * stalled, the server failed (5xx), or it asked for a pause that can be granted (429 with a
 * `Retry-After`; without one it has refused).
 * The last answer is returned whatever it says.
 *
 * @throws as `exchange`
 */
export async function persistently(ask: Ask): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= ask.patience.attempts;
    const outcome = await exchange(ask).catch((error: unknown) => {
      if (last || !isPassing(error)) throw error;
      return undefined;
    });
    if (outcome !== undefined && (last || !isBusy(outcome))) return outcome;
    const pause = outcome === undefined ? undefined : retryAfter(outcome.headers);
    if (outcome !== undefined && (pause ?? 0) > ask.patience.retryAfter) return outcome;
    outcome?.discard();
    await sleep(pause ?? pauseAfter(ask.patience, attempt), ask.signal);
  }
}

/** Milliseconds that a `Retry-After` asks for, in seconds or until a date (RFC 9110, 10.2.3). */
export function retryAfter(headers: Headers, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value);
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}

/** Faults of the way, which may be over in a moment: not a name that does not exist, not a refusal. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ClocheError)) return false;
  if (error.code === 'REGISTRY_STALLED') return true;
  const lasting = ['ECONNREFUSED', 'ENOTFOUND'].includes(String(error.details.code));
  return error.code === 'REGISTRY_UNREACHABLE' && !lasting;
}

function isBusy({ status, headers }: Answer): boolean {
  if (status === 429) return retryAfter(headers) !== undefined;
  return status >= 500 && status !== 501;
}
