import { ClocheError, type ErrorClass } from '../../error.ts';
import type { Answer } from './exchange.ts';
import { retryAfter } from './persist.ts';

/** Bytes of an error that are read. */
const LIMIT = 1 << 16;

/** What was wanted of a registry, for the words of a refusal. */
export interface Wanted {
  /** `pull access denied for x` is said of pulling alone. */
  readonly action: 'pull' | 'push' | 'log in';
  /** The registry's name, as `cloche login` takes it. */
  readonly domain: string;
  /** Familiar name of the repository; absent when only the registry was asked. */
  readonly name?: string | undefined;
  /** What a 404 means: `manifest for debian:nope`. */
  readonly what?: string | undefined;
}

/**
 * An answer that is no success, as an error in docker's words where docker has some: `code` is
 * `REGISTRY_UNAUTHORIZED` (401), `REGISTRY_DENIED` (403), `REGISTRY_NOT_FOUND` (404),
 * `REGISTRY_RATE_LIMITED` (429), `REGISTRY_FAILED` (5xx) or `REGISTRY_REFUSED`.
 */
export async function refusal(answer: Answer, wanted: Wanted): Promise<ClocheError> {
  const said = await reasonOf(answer);
  const { code, errorClass, message, hint } = judge(answer, said, wanted);
  return new ClocheError(code, message, {
    class: errorClass,
    hint,
    details: {
      ...{ url: answer.url.href, status: answer.status, codes: said.codes },
      ...{ isPage: said.isPage && ![401, 429].includes(answer.status) },
    },
  });
}

interface Judgement {
  readonly code: string;
  readonly errorClass: ErrorClass;
  readonly message: string;
  readonly hint: string;
}

function judge(answer: Answer, said: Said, wanted: Wanted): Judgement {
  const { status, url } = answer;
  const { reason } = said;
  // Proxies say these with a page of their own.
  if (status === 401) return denied('REGISTRY_UNAUTHORIZED', reason, wanted);
  if (status === 429) return limited(answer, reason, wanted);
  if (said.isPage) return page(status, url);
  if (status === 403) return denied('REGISTRY_DENIED', reason, wanted);
  if (status === 404)
    return {
      code: 'REGISTRY_NOT_FOUND',
      errorClass: 'not-found',
      message: `${wanted.what ?? wanted.name ?? url.pathname} not found: ${reason}`,
      hint: `Is the name right, and was it pushed to '${wanted.domain}'?`,
    };
  return {
    code: status >= 500 ? 'REGISTRY_FAILED' : 'REGISTRY_REFUSED',
    errorClass: 'unavailable',
    message: `'${url.host}' answers ${status}: ${reason}`,
    hint:
      status >= 500
        ? 'The fault lies with the registry; try again later.'
        : 'It does not say more.',
  };
}

function page(status: number, { host }: URL): Judgement {
  const [code, errorClass] =
    status === 404
      ? (['REGISTRY_NOT_FOUND', 'not-found'] as const)
      : ([status >= 500 ? 'REGISTRY_FAILED' : 'REGISTRY_REFUSED', 'unavailable'] as const);
  return {
    ...{ code, errorClass, message: `'${host}' answers ${status} with a web page` },
    hint: 'Is this the address of a registry? A proxy that wants a login answers like this, too.',
  };
}

function denied(code: string, reason: string, { action, domain, name }: Wanted): Judgement {
  const login = domain === 'docker.io' ? 'cloche login' : `cloche login ${domain}`;
  const errorClass = 'permission-denied';
  if (action === 'log in')
    return {
      ...{ code, errorClass, message: `login to '${domain}' failed: ${reason}` },
      hint: 'Are name and password right? Many registries want an access token instead of it.',
    };
  const message =
    action === 'pull' && name !== undefined
      ? `pull access denied for ${name}, repository does not exist or may require '${login}': ${reason}`
      : `${action} to '${name ?? domain}' denied: ${reason}`;
  return { code, errorClass, message, hint: `${login}, with an account that may ${action} here.` };
}

function limited({ headers }: Answer, reason: string, { domain }: Wanted): Judgement {
  const pause = retryAfter(headers);
  const wait = pause === undefined ? 'later' : `in ${Math.ceil(pause / 1000)} s`;
  const login = domain === 'docker.io' ? 'cloche login' : `cloche login ${domain}`;
  return {
    code: 'REGISTRY_RATE_LIMITED',
    errorClass: 'unavailable',
    message: `'${domain}' limits how often it is asked: ${reason}`,
    hint: `Try again ${wait}. Who is logged in may ask more often: ${login}. A mirror helps, too.`,
  };
}

interface Said {
  /** `denied: requested access to the resource is denied`, as docker prints it. */
  readonly reason: string;
  readonly codes: readonly string[];
  readonly isPage: boolean;
}

/** The errors of a body (distribution-spec, "Error Codes"), or the status in words. */
async function reasonOf(answer: Answer): Promise<Said> {
  const text = await answer.bytes(LIMIT).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => '',
  );
  const isPage =
    /^text\/html/.test(answer.headers.get('content-type') ?? '') || /^\s*<(!|html)/i.test(text);
  const errors = readErrors(text);
  const reason = errors
    .map(({ code, message }) => `${code.toLowerCase().replaceAll('_', ' ')}: ${message}`)
    .join('; ');
  const codes = errors.map(({ code }) => code);
  return { reason: printable(reason) || inWords(answer.status), codes, isPage };
}

/** For answers to HEAD, which have no body, and for those who do not say why. */
function inWords(status: number): string {
  if (status === 401) return 'unauthorized: authentication required';
  if (status === 403) return 'denied: requested access to the resource is denied';
  return `status ${status}`;
}

function readErrors(text: string): { code: string; message: string }[] {
  try {
    const { errors } = JSON.parse(text) as { errors?: unknown };
    if (!Array.isArray(errors)) return [];
    return errors.slice(0, 3).map((one: { code?: unknown; message?: unknown } | null) => ({
      code: String(one?.code ?? 'unknown'),
      message: String(one?.message ?? ''),
    }));
  } catch {
    return [];
  }
}

/** A stranger's words for a terminal: no control characters, not too many of them. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what shall go
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300);
}
