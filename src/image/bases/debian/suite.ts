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

/** What a tag of Debian's images means; undefined where Debian has no such tag. */
export function suiteOfTag(tag: string): Suite | undefined {
  const [, name = '', slim] = /^(.*?)(-slim)?$/.exec(tag) ?? [];
  const suite = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  return suite === undefined ? undefined : { suite, slim: slim !== undefined };
}

/** The tags for a hint. */
export const SUITE_NAMES = 'bookworm, trixie, sid, bullseye';

/** Where the packages of images come from that are not Debian's: no name of theirs says a suite. */
export const TINY_SUITE = 'bookworm';
