import { ClocheError } from '../../error.ts';
import type { Reference } from '../reference.ts';

/** A Debian image that can be made here. */
export interface Suite {
  /** `bookworm`, as debootstrap and the mirror call it. */
  readonly suite: string;
  /** Without manual pages, translations and documentation. */
  readonly slim: boolean;
}

/** The living suites by the tags that they have on Docker Hub. */
const SUITES: Readonly<Record<string, string>> = {
  bullseye: 'bullseye',
  '11': 'bullseye',
  bookworm: 'bookworm',
  '12': 'bookworm',
  oldstable: 'bookworm',
  trixie: 'trixie',
  '13': 'trixie',
  stable: 'trixie',
  latest: 'trixie',
  forky: 'forky',
  testing: 'forky',
  sid: 'sid',
  unstable: 'sid',
};

/**
 * What is made for an image's name; undefined where the name is not Debian's.
 *
 * @throws {ClocheError} `IMAGE_NOT_FOUND`: Debian has no such tag.
 */
export function suiteOf({ domain, path, tag, digest }: Reference): Suite | undefined {
  if (domain !== 'docker.io' || path !== 'library/debian' || digest !== undefined) return undefined;
  const [, name = '', slim] = /^(.*?)(-slim)?$/.exec(tag ?? 'latest') ?? [];
  const suite = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  if (suite !== undefined) return { suite, slim: slim !== undefined };
  throw new ClocheError('IMAGE_NOT_FOUND', `no such image: debian:${tag}`, {
    class: 'not-found',
    hint: `Of Debian, these can be made on this machine: ${BASE_NAMES}.`,
    details: { reference: `debian:${tag}` },
  });
}

/** The names for a hint. */
export const BASE_NAMES = 'debian:bookworm, :trixie, :sid, :bullseye, each also with -slim';
