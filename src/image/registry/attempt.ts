import { ClocheError } from '../../error.ts';
import type { Reference } from '../reference.ts';
import type { Store } from '../store.ts';
import { PATIENCE } from './patience.ts';
import { type Pulled, type PullOptions, pullImage } from './pull.ts';

/** A registry that is there answers sooner; who is offline shall not wait. */
const GREETING = { ...PATIENCE, attempts: 1, answer: 2000 };

/** Registries that did not answer, by name, with what was wrong: they are not asked twice. */
const silent = new Map<string, ClocheError>();

/**
 * Pulls an image for somebody who may have another way to it. A registry that does not answer within
 * two seconds, or `greeting`'s, is given up at once, and for the rest of this process.
 *
 * @returns the image, or why the registry does not give it: see `isOutOfReach`
 * @throws {ClocheError} what is wrong with an image that it does give, or with this machine; the
 *   signal's reason
 */
export async function attemptPull(
  store: Store,
  name: Reference,
  options: PullOptions = {},
): Promise<Pulled | ClocheError> {
  const known = silent.get(name.domain);
  if (known !== undefined) return known;
  try {
    return await pullImage(store, name, { greeting: GREETING, ...options });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof ClocheError) || !/^REGISTRY_|^PLATFORM_/.test(error.code)) throw error;
    if (isOutOfReach(error)) silent.set(name.domain, error);
    return error;
  }
}

/**
 * Whether nobody answered, or somebody who is no registry: what a cable pulled out, a firewall or a
 * hotel's network do. What the registry itself answers is never that, be it a refusal or a fault.
 */
export function isOutOfReach({ code, details }: ClocheError): boolean {
  return SILENCE.includes(code) || (details.isPage === true && Number(details.status) < 500);
}

const SILENCE = [
  ...['REGISTRY_UNREACHABLE', 'REGISTRY_STALLED', 'REGISTRY_TLS'],
  ...['REGISTRY_INVALID', 'REGISTRY_REDIRECT'],
];
