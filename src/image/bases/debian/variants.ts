import { ClocheError } from '../../../error.ts';
import { configOf } from '../../images.ts';
import { clampTimes, youngest } from '../../layer/times.ts';
import type { ImageConfig } from '../../manifest.ts';
import { stackOf } from '../../snapshots.ts';
import { configOnTop, makeLayer } from '../layer.ts';
import type { Kitchen } from '../make.ts';
import { Upper } from '../upper.ts';
import { hasRelease, mirrorFor } from './mirror.ts';
import { sourcesFile } from './sources.ts';
import type { Suite } from './suite.ts';

/** Images that are another Debian image of this machine with something more to say. */

const LABEL = 'dev.cloche.base';

/**
 * What is made for a point release or a date: a mirror only has the suite as it is today, so that is what
 * the image is, and it says so. Its files are those of the suite's image.
 *
 * @throws {ClocheError} as `debootstrap`
 */
export async function makePinned(
  kitchen: Kitchen,
  { suite, slim, pinned }: Suite & { readonly pinned: string },
): Promise<ImageConfig> {
  const name = `debian:${suite}${slim ? '-slim' : ''}`;
  const note = `the mirror has ${suite} as it is today, and not as of ${pinned}`;
  kitchen.say('begin', `taking ${name} for it: ${note}`);
  const { config, ...rest } = configOf(kitchen.store, await kitchen.below(name));
  const said = config.Labels?.[LABEL] ?? `${name} as it was here`;
  return {
    ...rest,
    config: { ...config, Labels: { ...config.Labels, [LABEL]: `${said}; ${note}` } },
  };
}

/**
 * A suite with its backports among apt's sources, where they have to be asked for: `apt-get install
 * --target-release bookworm-backports …`.
 *
 * @throws {ClocheError} `SUITE_UNKNOWN`: the mirror has no backports of it; as `debootstrap`
 */
export async function makeBackports(kitchen: Kitchen, suite: string): Promise<ImageConfig> {
  const { uri, keyring, proxies } = await mirrorFor(suite);
  const source = { uri, suite: `${suite}-backports`, components: ['main'] };
  if (!(await hasRelease(source, proxies)))
    throw new ClocheError('SUITE_UNKNOWN', `'${uri}' has no '${source.suite}'`, {
      class: 'not-found',
      hint: `Can this machine fetch ${uri}/dists/${source.suite}/InRelease? apt's mirror is set in /etc/apt.`,
      details: { suite: source.suite, mirror: uri },
    });
  const below = await kitchen.below(`debian:${suite}`);
  kitchen.say('begin', `making debian:${source.suite} on this machine: ${source.suite} of ${uri}`);
  const layer = await makeLayer(kitchen, below, async (active) => {
    const upper = new Upper(kitchen.store, active);
    const file = sourcesFile({ sources: [source], keyring });
    upper.writeFile('etc/apt/sources.list.d/backports.sources', file);
    const [lower] = stackOf(kitchen.store, below.chainId);
    // Of the packages below: nothing else has a date here.
    if (lower !== undefined) clampTimes(upper.directory, youngest(lower.directory));
  });
  return configOnTop(kitchen, below, layer, {
    says: `from debian:${suite}, made here too, and ${source.suite} among apt's sources`,
    createdBy: `echo deb ${uri} ${source.suite} main > /etc/apt/sources.list.d/backports.sources`,
  });
}
