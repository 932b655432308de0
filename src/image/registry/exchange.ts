import { ClocheError } from '../../error.ts';
import { isLoopback } from './configuration.ts';
import type { Tls } from './endpoint.ts';
import { networkError, type Stall, stalled } from './failures.ts';
import type { Patience } from './patience.ts';

export interface Ask extends Way {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Called anew each time that the request is sent. */
  readonly body?: (() => AsyncIterable<Uint8Array> | Uint8Array | string) | undefined;
}

/** What all requests of one session have in common. */
export interface Way {
  readonly tls: Tls;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body is read by exactly one of `body`, `bytes` and `discard`. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** After all redirects. */
  readonly url: URL;
  /** @throws {ClocheError} `REGISTRY_STALLED`, `REGISTRY_UNREACHABLE` when the connection breaks */
  body(): AsyncGenerator<Uint8Array>;
  /** The whole body. @throws {ClocheError} as `body`; `REGISTRY_ANSWER_TOO_LARGE` above the limit */
  bytes(limit: number): Promise<Uint8Array>;
  discard(): void;
}

/** Bytes of a body that are rather read than left. */
const SMALL = 1 << 14;
/** As many as Go's client follows, and so docker. */
const REDIRECTS = 10;

/**
 * One request and its answer, redirects followed. `Authorization` is sent to the host that was asked
 * and to no other (RFC 9110, 15.4), since storage behind a registry is somebody else's.
 *
 * @throws {ClocheError} `REGISTRY_UNREACHABLE`, `REGISTRY_STALLED`, `REGISTRY_TLS`,
 *   `REGISTRY_REDIRECT`; the signal's reason.
 */
export async function exchange(ask: Ask): Promise<Answer> {
  const visited: string[] = [];
  for (let now = ask; ; ) {
    visited.push(now.url.href);
    const answer = await send(now);
    if (!isRedirect(answer, ask.method)) return answer;
    const url = target(answer, visited, ask.tls);
    answer.discard();
    now = { ...(url.host === now.url.host ? now : forStrangers(now)), url };
  }
}

/** Without what says who we are. */
function forStrangers(ask: Ask): Ask {
  const { Authorization: _, ...headers } = ask.headers;
  const { cert: _cert, key: _key, ...tls } = ask.tls;
  return { ...ask, headers, tls };
}

async function send(ask: Ask): Promise<Answer> {
  const watch = watchdog(ask);
  const { method, url, headers, tls } = ask;
  const body = ask.body?.();
  try {
    watch.expect('answer', ask.patience.answer);
    const response = await fetch(url, {
      method,
      headers: { 'User-Agent': 'cloche', 'Accept-Encoding': 'identity', ...headers },
      redirect: 'manual',
      // A digest is of the bytes as they are sent.
      decompress: false,
      signal: watch.signal,
      timeout: false,
      tls,
      // As in Go, and so in docker: no proxy could reach our own loopback.
      ...(isLoopback(url.host) ? { proxy: false } : {}),
      ...(body === undefined ? {} : { body: isPieces(body) ? watch.sending(body) : body }),
    } satisfies BunFetchRequestInit);
    watch.rest();
    return answerOf(ask, response, watch);
  } catch (error) {
    watch.end();
    throw watch.reasonOf(error);
  }
}

function answerOf(ask: Ask, response: Response, watch: Watchdog): Answer {
  async function* body() {
    try {
      if (response.body === null) return;
      watch.expect('body', ask.patience.silence);
      for await (const piece of response.body) {
        watch.rest();
        yield piece;
        watch.expect('body', ask.patience.silence);
      }
    } catch (error) {
      throw watch.reasonOf(error);
    } finally {
      watch.end();
    }
  }
  return {
    status: response.status,
    headers: response.headers,
    url: ask.url,
    body,
    bytes: (limit) => gather(body(), limit, ask.url),
    discard: () => {
      const length = Number(response.headers.get('content-length') ?? Infinity);
      // Read to its end, the connection can be used again.
      if (length <= SMALL) gather(body(), SMALL, ask.url).catch(() => undefined);
      else response.body?.cancel().catch(() => undefined);
      if (length > SMALL) watch.end();
    },
  };
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** From now on the other side has so many milliseconds. */
  expect(what: Stall, milliseconds: number): void;
  /** It is our turn: nothing is expected. */
  rest(): void;
  end(): void;
  /** Passes pieces on; each one taken gives the other side its time anew. */
  sending(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array>;
  /** What an error means here: `fetch` does not always say why it was aborted. */
  reasonOf(error: unknown): unknown;
}

/** Notices when nothing moves any more, which neither TCP nor `fetch` does by itself. */
function watchdog({ url, patience, signal }: Ask): Watchdog {
  const controller = new AbortController();
  let timer: Timer | undefined;
  const rest = () => clearTimeout(timer);
  const expect = (what: Stall, milliseconds: number) => {
    rest();
    timer = setTimeout(() => controller.abort(stalled(url, what, milliseconds)), milliseconds);
  };
  const follow = () => controller.abort(signal?.reason);
  if (signal?.aborted === true) follow();
  signal?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    expect,
    rest,
    end: () => {
      rest();
      signal?.removeEventListener('abort', follow);
    },
    async *sending(pieces) {
      for await (const piece of pieces) {
        yield piece;
        expect('upload', patience.silence);
      }
      expect('answer', Math.max(patience.answer, patience.silence));
    },
    reasonOf: (error) => {
      if (controller.signal.aborted) return controller.signal.reason;
      return error instanceof ClocheError ? error : networkError(url, error);
    },
  };
}

function isPieces(body: object | string): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && Symbol.asyncIterator in body;
}

function isRedirect({ status, headers }: Answer, method: string): boolean {
  const kinds = method === 'GET' || method === 'HEAD' ? [301, 302, 303, 307, 308] : [307, 308];
  return kinds.includes(status) && headers.has('location');
}

function target({ headers, url }: Answer, visited: readonly string[], tls: Tls): URL {
  const location = headers.get('location') ?? '';
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
  const fault = redirectFault(url, next, visited, tls);
  if (next !== undefined && fault === undefined) return next;
  throw new ClocheError('REGISTRY_REDIRECT', `'${url.host}' ${fault} ('${location}')`, {
    class: 'unavailable',
    hint: 'The registry, or a proxy in front of it, is set up wrongly; its administrator can tell.',
    details: { visited },
  });
}

function redirectFault(from: URL, to: URL | undefined, visited: readonly string[], tls: Tls) {
  if (to === undefined || !/^https?:$/.test(to.protocol)) return 'redirects to what is no address';
  if (visited.includes(to.href)) return 'redirects in a circle';
  if (visited.length > REDIRECTS) return `redirects more than ${REDIRECTS} times`;
  const isExposed = from.protocol === 'https:' && to.protocol === 'http:';
  if (isExposed && tls.rejectUnauthorized !== false) return 'redirects from https to http';
  return undefined;
}

async function gather(pieces: AsyncIterable<Uint8Array>, limit: number, url: URL) {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit)
      throw new ClocheError(
        'REGISTRY_ANSWER_TOO_LARGE',
        `'${url.host}' answers '${url.pathname}' with more than ${limit} bytes`,
        {
          class: 'unavailable',
          hint: 'A manifest may be 4 MiB. Is this address that of a registry?',
          details: { url: url.href, limit },
        },
      );
    parts.push(piece);
  }
  return Buffer.concat(parts, size);
}
