/** A Debian image that can be made here. */
export interface Suite {
  /** `bookworm`, as debootstrap and the mirror call it. */
  readonly suite: string;
  /** Without manual pages, translations and documentation. */
  readonly slim: boolean;
  /** The point release or the date that the tag names, `12.5`: only the mirror's today can be made. */
  readonly pinned?: string | undefined;
  /** With the suite's backports among apt's sources. */
  readonly backports?: boolean | undefined;
}

/** The living suites by the tags that they have on Docker Hub. */
const SUITES: Readonly<Record<string, string>> = {
  bullseye: 'bullseye',
  '11': 'bullseye',
  oldoldstable: 'bullseye',
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

const TAG =
  /^(?<name>.*?)(?<point>\.\d+)?(?:-(?<date>20\d{6}))?(?<backports>-backports)?(?<slim>-slim)?$/;

/** What a tag of Debian's images means; undefined where Debian has no such tag. */
export function suiteOfTag(tag: string): Suite | undefined {
  const { name = '', point, date, backports, slim } = TAG.exec(tag)?.groups ?? {};
  const suite = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
  // Only numbers have points, and backports have no slim image.
  if (suite === undefined || (point !== undefined && !/^\d+$/.test(name))) return undefined;
  if (backports !== undefined && (slim ?? point ?? date) !== undefined) return undefined;
  const pinned = point === undefined ? date : `${name}${point}`;
  return {
    ...{ suite, slim: slim !== undefined },
    ...(pinned === undefined ? {} : { pinned }),
    ...(backports === undefined ? {} : { backports: true }),
  };
}

/** The tags for a hint. */
export const SUITE_NAMES = 'bookworm, trixie, sid, bullseye';

/** Where the packages of images come from that are not Debian's: no name of theirs says a suite. */
export const TINY_SUITE = 'bookworm';
