import { ClocheError } from '../../error.ts';
import { z } from '../../zod.ts';
import { ownEndpoint } from './endpoint.ts';
import { PATIENCE, type Patience } from './patience.ts';
import { persistently } from './persist.ts';
import { refusal } from './refusal.ts';

/** An image that a registry has found. */
export interface Found {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly isOfficial: boolean;
}

export interface SearchOptions {
  /** At most so many, 1 to 100. */
  readonly limit?: number | undefined;
  readonly patience?: Patience | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes of an answer that are read. */
const MOST = 4 << 20;

const Answer = z.object({
  results: z.array(
    z.object({
      name: z.string(),
      description: z.string().nullish(),
      star_count: z.number().default(0),
      is_official: z.boolean().default(false),
    }),
  ),
});

/**
 * Asks a registry which images it has for a word, by the only interface that there is for that, of
 * docker's registry of before the distribution-spec. Docker Hub has it, and few others.
 *
 * @throws {ClocheError} `REGISTRY_UNREACHABLE`, `REGISTRY_…`; `SEARCH_UNKNOWN`: the registry has none
 */
export async function searchImages(
  domain: string,
  term: string,
  { limit = 25, patience = PATIENCE, signal }: SearchOptions = {},
): Promise<Found[]> {
  const { tls, urls } = ownEndpoint(domain);
  // The Hub's index has another address than its registry. Loopback alone may speak plain http.
  const base = domain === 'docker.io' ? 'https://index.docker.io' : (urls.at(-1) ?? '');
  const url = new URL(`${base}/v1/search?${new URLSearchParams({ q: term, n: String(limit) })}`);
  const ask = { method: 'GET', url, headers: {}, tls, patience, signal } as const;
  const answer = await persistently(ask);
  if (answer.status === 404) {
    answer.discard();
    throw unknown(domain);
  }
  if (answer.status !== 200) throw await refusal(answer, { domain, action: 'pull' });
  const text = Buffer.from(await answer.bytes(MOST)).toString();
  return resultsOf(text, domain).map((one) => ({
    name: one.name,
    description: one.description ?? '',
    stars: one.star_count,
    isOfficial: one.is_official,
  }));
}

function resultsOf(text: string, domain: string): z.infer<typeof Answer>['results'] {
  try {
    return Answer.parse(JSON.parse(text)).results;
  } catch (cause) {
    throw unknown(domain, cause);
  }
}

function unknown(domain: string, cause?: unknown): ClocheError {
  return new ClocheError('SEARCH_UNKNOWN', `'${domain}' cannot be searched`, {
    class: 'unavailable',
    hint: 'Docker Hub can, and few other registries: the distribution-spec knows no search.',
    cause,
  });
}
