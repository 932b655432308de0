import { ClocheError } from '../../error.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Answer, Way } from './exchange.ts';
import { basic, type Credentials } from './identity.ts';
import { type Refuse, type Token, tokenOf } from './token.ts';

/** The `Authorization` of one session with a registry. */
export interface Authorizer {
  /**
   * The header's value for requests that need these scopes (`repository:library/debian:pull`);
   * undefined as long as the registry has not asked who we are, and without credentials for Basic.
   *
   * @throws {ClocheError} `REGISTRY_TOKEN_INVALID`; what the token server refuses or fails with
   */
  header(scopes: readonly string[]): Promise<string | undefined>;
  /**
   * Learns from a 401 to a request that had this header.
   *
   * @returns whether asking once more may help
   * @throws {ClocheError} `REGISTRY_CHALLENGE_INVALID`
   */
  learn(answer: Answer, scopes: readonly string[], header: string | undefined): boolean;
}

/** Milliseconds before its end from which on a token is not used any more. */
const MARGIN = 5000;

/** A token, or one that is on its way: those who want it meanwhile wait for the same. */
interface Held {
  readonly coming: Promise<Token>;
  /** Milliseconds since the epoch; nobody knows before it has come. */
  expires: number;
  header: string | undefined;
}

/**
 * Anonymous, Basic and Bearer, as the registry's challenge asks for it. Tokens are kept until they
 * expire, one for each set of scopes.
 *
 * Source: distribution, "Token Authentication Specification"; RFC 7617 for Basic.
 */
export function authorizer(
  base: URL,
  credentials: Credentials | undefined,
  way: Way,
  refuse: Refuse,
): Authorizer {
  let challenge: Challenge | undefined;
  const tokens = new Map<string, Held>();
  /** What a registry wants besides, such as a proxy that calls the repository something else. */
  const besides = new Map<string, readonly string[]>();
  const bearer = async (scopes: readonly string[], asked: Challenge): Promise<string> => {
    const key = scopes.join(' ');
    const known = tokens.get(key);
    if (known !== undefined && known.expires - MARGIN > Date.now())
      return headerOf(await known.coming);
    const all = [...new Set([...scopes, ...(besides.get(key) ?? [])])];
    const coming = tokenOf({ challenge: asked, scopes: all, base, credentials, way, refuse });
    const held: Held = { coming, expires: Number.POSITIVE_INFINITY, header: undefined };
    tokens.set(key, held);
    try {
      const token = await coming;
      held.expires = token.expires;
      held.header = headerOf(token);
      return held.header;
    } catch (error) {
      tokens.delete(key);
      throw error;
    }
  };
  return {
    async header(scopes) {
      if (challenge?.scheme === 'bearer') return bearer(scopes, challenge);
      return challenge === undefined || credentials === undefined ? undefined : basic(credentials);
    },
    learn(answer, scopes, header) {
      challenge = choose(answer);
      if (challenge.scheme === 'basic') return header === undefined && credentials !== undefined;
      const key = scopes.join(' ');
      besides.set(key, (challenge.parameters.scope ?? '').split(' ').filter(Boolean));
      // Another request may have been told the same, and have a new one already.
      if (tokens.get(key)?.header === header) tokens.delete(key);
      return true;
    },
  };
}

function headerOf({ token }: Token): string {
  return `Bearer ${token}`;
}

function choose(answer: Answer): Challenge {
  const offered = parseChallenges(answer.headers.get('www-authenticate') ?? '');
  const usable =
    offered.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm) ??
    offered.find(({ scheme }) => scheme === 'basic');
  if (usable !== undefined) return usable;
  const names = offered.map(({ scheme }) => scheme).join(', ') || 'nothing that can be read';
  throw new ClocheError(
    'REGISTRY_CHALLENGE_INVALID',
    `'${answer.url.host}' wants to know who we are and offers ${names}`,
    {
      class: 'unavailable',
      hint: 'cloche knows Basic and Bearer. Is this the address of a registry?',
      details: { header: answer.headers.get('www-authenticate') },
    },
  );
}
