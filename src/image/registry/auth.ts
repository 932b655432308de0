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
  /** Learns from a 401. @returns whether asking again may help */
  learn(answer: Answer, scopes: readonly string[]): boolean;
}

/** Milliseconds before its end from which on a token is not used any more. */
const MARGIN = 5000;

/**
 * Anonymous, Basic and Bearer, as the registry's challenge asks for it. Tokens are kept until they
 * expire, one for each set of scopes; requests at the same time share the one that is on its way.
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
  const tokens = new Map<string, Promise<Token>>();
  const tokenFor = async (bearer: Challenge, scopes: readonly string[]): Promise<Token> => {
    const key = scopes.join(' ');
    const known = await tokens.get(key);
    if (known !== undefined && known.expires - MARGIN > Date.now()) return known;
    const coming = tokenOf({ challenge: bearer, scopes, base, credentials, way, refuse });
    tokens.set(key, coming);
    coming.catch(() => tokens.delete(key));
    return coming;
  };
  return {
    async header(scopes) {
      if (challenge === undefined) return undefined;
      if (challenge.scheme === 'bearer')
        return `Bearer ${(await tokenFor(challenge, scopes)).token}`;
      return credentials === undefined ? undefined : basic(credentials);
    },
    learn(answer, scopes) {
      const before = challenge;
      const used = tokens.delete(scopes.join(' '));
      challenge = choose(answer);
      if (challenge.scheme === 'basic') return before === undefined && credentials !== undefined;
      return used || before?.scheme !== 'bearer';
    },
  };
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
