import { ClocheError } from '../../../error.ts';

/** Published versions, `22.11.0`, and when each was published. */
export type Published = ReadonlyMap<string, Date>;

/** The oldest line that is made: what came before has had no fixes for years. */
const OLDEST = 20;

/** An even line begins in April and has long-term support from October on, milliseconds. */
const UNTIL_LTS = 150 * 24 * 3600 * 1000;

/** The npm that a line is delivered with; later lines: the newest that takes that Node. */
const NPM_OF: Readonly<Record<number, number>> = { 20: 10, 22: 10, 24: 11 };

/**
 * The version of Node that a tag's first word means, `22` → `22.23.3`. Only lines that live: the
 * even ones, and the newest.
 *
 * @throws {ClocheError} `NODE_VERSION_UNKNOWN`, its hint lists what there is
 */
export function chooseNode(wanted: string, published: Published, now: Date): string {
  const living = livingVersions(published);
  const found = living.findLast((version) => means(wanted, version, published, living, now));
  if (found !== undefined) return found;
  throw new ClocheError(
    'NODE_VERSION_UNKNOWN',
    `there is no Node '${wanted}' to make an image of`,
    {
      class: 'not-found',
      hint: `${hintFor(wanted, living)} The lines and their newest versions: ${newest(living).join(', ')}.`,
      details: { wanted, lines: newest(living) },
    },
  );
}

/**
 * The version of npm to go with it: the newest of the major version that the line was delivered
 * with, as far as `engines` (a range of Node's versions) allows.
 *
 * @throws {ClocheError} `NODE_VERSION_UNKNOWN`: no npm takes this Node
 */
export function chooseNpm(node: string, published: ReadonlyMap<string, string>): string {
  const major = NPM_OF[majorOf(node)];
  const fitting = [...published]
    .filter(([version, engines]) => isRelease(version) && Bun.semver.satisfies(node, engines))
    .map(([version]) => version)
    .sort(Bun.semver.order);
  const found = fitting.findLast((version) => major === undefined || majorOf(version) === major);
  if (found !== undefined) return found;
  throw new ClocheError(
    'NODE_VERSION_UNKNOWN',
    `no published npm says that it takes Node ${node}`,
    {
      class: 'not-found',
      hint: 'Choose another version of Node.',
      details: { node },
    },
  );
}

/** In ascending order. */
function livingVersions(published: Published): string[] {
  const all = [...published.keys()].filter(isRelease).sort(Bun.semver.order);
  const last = majorOf(all.at(-1) ?? '0');
  return all.filter((version) => {
    const major = majorOf(version);
    return major >= OLDEST && (major % 2 === 0 || major === last);
  });
}

function means(
  wanted: string,
  version: string,
  published: Published,
  living: readonly string[],
  now: Date,
): boolean {
  if (wanted === 'latest') return true;
  if (wanted !== 'lts') return version === wanted || version.startsWith(`${wanted}.`);
  const major = majorOf(version);
  const first = living.find((one) => majorOf(one) === major) ?? version;
  const begun = published.get(first)?.getTime() ?? now.getTime();
  return major % 2 === 0 && now.getTime() - begun > UNTIL_LTS;
}

function hintFor(wanted: string, living: readonly string[]): string {
  const major = Number.parseInt(wanted, 10);
  if (living.some((version) => majorOf(version) === major))
    return `Node ${major} lives, but has no '${wanted}'.`;
  return `Node ${wanted} is no line that lives.`;
}

/** Of each line the newest version, ascending. */
function newest(living: readonly string[]): string[] {
  return [...new Map(living.map((version) => [majorOf(version), version])).values()];
}

function majorOf(version: string): number {
  return Number.parseInt(version, 10);
}

function isRelease(version: string): boolean {
  return /^\d+\.\d+\.\d+$/.test(version);
}
