import { ClocheError } from '../../error.ts';
import type { Image } from '../images.ts';
import type { Reference } from '../reference.ts';
import type { Store } from '../store.ts';
import { PATIENCE } from './patience.ts';
import { type PullOptions, pullImage } from './pull.ts';

/** A registry that is there answers sooner; who is offline shall not wait. */
const GREETING = { ...PATIENCE, attempts: 1, answer: 2000 };

/** Registries that did not answer, by name, with what was wrong: they are not asked twice. */
const silent = new Map<string, ClocheError>();

/**
 * Pulls an image for somebody who may have another way to it. A registry that does not answer within
 * two seconds is given up at once, and for the rest of this process.
 *
 * @returns the image, or why the registry does not give it
 * @throws {ClocheError} what is wrong with an image that it does give, or with this machine; the
 *   signal's reason
 */
export async function attemptPull(
  store: Store,
  name: Reference,
  options: PullOptions = {},
): Promise<Image | ClocheError> {
  const known = silent.get(name.domain);
  if (known !== undefined) return known;
  try {
    return (await pullImage(store, name, { greeting: GREETING, ...options })).image;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!(error instanceof ClocheError) || !/^REGISTRY_|^PLATFORM_/.test(error.code)) throw error;
    if (SILENCE.includes(error.code)) silent.set(name.domain, error);
    return error;
  }
}

const SILENCE = ['REGISTRY_UNREACHABLE', 'REGISTRY_STALLED', 'REGISTRY_TLS', 'REGISTRY_INVALID'];
