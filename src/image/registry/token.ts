import { ClocheError } from '../../error.ts';
import type { Challenge } from './challenge.ts';
import type { Answer, Way } from './exchange.ts';
import { basic, type Credentials } from './identity.ts';
import { persistently } from './persist.ts';

export interface Token {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Makes the error of an answer that is no success. */
export type Refuse = (answer: Answer) => Promise<ClocheError>;

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  /** The registry that sent us. */
  readonly base: URL;
  readonly credentials: Credentials | undefined;
  readonly way: Way;
  readonly refuse: Refuse;
}

/** Bytes; real ones have some thousands. */
const LIMIT = 1 << 20;
/** Seconds, where the server does not say: the specification's own. */
const LIFETIME = 60;

/**
 * Fetches a token from the realm that a registry named: by GET, with name and password if there are
 * any; with an identity token by POST, as OAuth 2 has it.
 *
 * @throws {ClocheError} `REGISTRY_TOKEN_INVALID`; what `refuse` makes; as `exchange`
 */
export async function tokenOf(request: TokenRequest): Promise<Token> {
  const { credentials, way } = request;
  const realm = realmOf(request);
  const answer =
    credentials !== undefined && 'identityToken' in credentials
      ? await persistently({ ...way, ...refresh(request, realm, credentials.identityToken) })
      : await persistently({ ...way, ...get(request, realm) });
  if (answer.status !== 200) throw await request.refuse(answer);
  return readToken(realm, await answer.bytes(LIMIT));
}

function get({ challenge, scopes, credentials }: TokenRequest, realm: URL) {
  const url = new URL(realm);
  const { service } = challenge.parameters;
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  if (credentials === undefined || 'identityToken' in credentials)
    return { method: 'GET', url, headers: {} } as const;
  url.searchParams.set('account', credentials.username);
  return { method: 'GET', url, headers: { Authorization: basic(credentials) ?? '' } } as const;
}

function refresh({ challenge, scopes }: TokenRequest, url: URL, identityToken: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    service: challenge.parameters.service ?? '',
    scope: scopes.join(' '),
    client_id: 'cloche',
    refresh_token: identityToken,
  });
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url, headers, body: () => form.toString() } as const;
}

/** The password goes where the registry says, but not in the clear if the registry itself has TLS. */
function realmOf({ challenge, base }: TokenRequest): URL {
  const { realm = '' } = challenge.parameters;
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && base.protocol === 'http:'))
    return url;
  throw invalid(base, `'${base.host}' sends us for a token to '${realm}', which is not https`);
}

function readToken(realm: URL, bytes: Uint8Array): Token {
  const said = parse(bytes);
  const token = said.token ?? said.access_token;
  // It becomes part of a header.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw invalid(realm, `the token server '${realm.host}' answers with no token`);
  const seconds = typeof said.expires_in === 'number' ? said.expires_in : LIFETIME;
  return { token, expires: Date.now() + Math.max(seconds, LIFETIME) * 1000 };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    return Object(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return {};
  }
}

function invalid(url: URL, message: string): ClocheError {
  return new ClocheError('REGISTRY_TOKEN_INVALID', message, {
    class: 'unavailable',
    hint: 'The registry is set up wrongly; its administrator can tell.',
    details: { url: url.href },
  });
}
