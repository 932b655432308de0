import { ClocheError } from '../../error.ts';
import { type Authorizer, authorizer } from './auth.ts';
import type { Endpoint } from './endpoint.ts';
import type { Answer, Ask, Way } from './exchange.ts';
import type { Credentials } from './identity.ts';
import { PATIENCE, type Patience } from './patience.ts';
import { persistently } from './persist.ts';
import { refusal, type Wanted } from './refusal.ts';

/** A registry that has answered, and how it is asked. */
export interface Session {
  readonly endpoint: Endpoint;
  readonly patience: Patience;
  readonly signal: AbortSignal | undefined;
  /**
   * Sends a request with the authorization that it needs.
   *
   * @throws {ClocheError} as `refusal` unless the answer's status is among `expect`; as `exchange`
   */
  ask(question: Question): Promise<Answer>;
}

export interface Question extends Pick<Ask, 'method' | 'body'> {
  /** `/v2/…` of the registry, or an address that it gave us. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** `repository:library/debian:pull` */
  readonly scopes: readonly string[];
  readonly expect: readonly number[];
  readonly wanted: Omit<Wanted, 'domain'>;
  /** Once only, if the caller has a better way to go on. */
  readonly once?: boolean;
  /** The answer may take ten times as long: the registry has to move a blob to its place. */
  readonly slow?: boolean;
}

export interface SessionOptions {
  readonly credentials?: Credentials | undefined;
  readonly patience?: Patience | undefined;
  /** For the first request alone, if it is another one. */
  readonly greeting?: Patience | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly action: Wanted['action'];
}

/**
 * Asks an endpoint for `/v2/`, which says whether it is a registry and how it wants to know who we
 * are (distribution-spec, "Determining Support"). Where https is not spoken and http allowed, http.
 *
 * @throws {ClocheError} as `exchange`; `REGISTRY_INVALID`: it is no registry
 */
export async function openSession(endpoint: Endpoint, options: SessionOptions): Promise<Session> {
  const { patience = PATIENCE, signal, credentials, action } = options;
  const way = { tls: endpoint.tls, patience, signal };
  const { base, answer } = await greet(endpoint, {
    ...way,
    patience: options.greeting ?? patience,
  });
  const { domain } = endpoint;
  const auth = authorizer(base, credentials, way, (refused) =>
    refusal(refused, { domain, action }),
  );
  if (answer.status === 401) auth.learn(answer, [], undefined);
  else await check(answer, domain, action);
  answer.discard();
  const ask = (question: Question) => authorized({ question, base, auth, domain, way });
  return { endpoint, patience, signal, ask };
}

async function greet(
  { urls }: Pick<Endpoint, 'urls'>,
  way: Way,
): Promise<{ base: URL; answer: Answer }> {
  const [first = '', ...others] = urls;
  const base = new URL(first);
  // Patience is for the last address: a server that speaks no https often just hangs up.
  const patience = others.length === 0 ? way.patience : { ...way.patience, attempts: 1 };
  const ping = { ...way, patience, method: 'GET', url: under(base, '/v2/'), headers: {} } as const;
  try {
    return { base, answer: await persistently(ping) };
  } catch (error) {
    if (others.length === 0 || !isUnspoken(error)) throw error;
    return greet({ urls: others }, way);
  }
}

function isUnspoken(error: unknown): boolean {
  const codes = ['REGISTRY_UNREACHABLE', 'REGISTRY_TLS'];
  return error instanceof ClocheError && codes.includes(error.code);
}

async function check(answer: Answer, domain: string, action: Wanted['action']): Promise<void> {
  if (answer.status === 200) return;
  if (answer.status === 429 || answer.status >= 500)
    throw await refusal(answer, { domain, action });
  answer.discard();
  throw new ClocheError('REGISTRY_INVALID', `'${answer.url.host}' is not a registry`, {
    class: 'unavailable',
    hint: `It answers '${answer.url.pathname}' with ${answer.status}. Is the address right?`,
    details: { url: answer.url.href, status: answer.status },
  });
}

interface Authorized {
  readonly question: Question;
  readonly base: URL;
  readonly auth: Authorizer;
  readonly domain: string;
  readonly way: Way;
}

/** Asks, and after a 401 once more with what its challenge taught. */
async function authorized({ question, base, auth, domain, way }: Authorized): Promise<Answer> {
  const { method, path, scopes, body, expect, wanted } = question;
  const url = typeof path === 'string' ? under(base, path) : path;
  const patience = patienceFor(question, way.patience);
  for (let attempt = 1; ; attempt++) {
    // An upload may go to another host, which must not learn who we are.
    const header = url.origin === base.origin ? await auth.header(scopes) : undefined;
    const headers = {
      ...question.headers,
      ...(header === undefined ? {} : { Authorization: header }),
    };
    const answer = await persistently({ ...way, patience, method, url, headers, body });
    if (expect.includes(answer.status)) return answer;
    if (answer.status === 401 && attempt === 1 && auth.learn(answer, scopes, header))
      answer.discard();
    else throw await refusal(answer, { ...wanted, domain });
  }
}

function patienceFor({ once, slow }: Question, patience: Patience): Patience {
  return {
    ...patience,
    ...(once === true ? { attempts: 1 } : {}),
    ...(slow === true ? { answer: patience.answer * 10 } : {}),
  };
}

function under(base: URL, path: string): URL {
  return new URL(`${base.href.replace(/\/+$/, '')}${path}`);
}
