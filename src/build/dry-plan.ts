import { ClocheError } from '../error.ts';
import { configOf, findImage, type ImageConfig, type Store } from '../image/index.ts';
import { matches } from '../image/registry/platform.ts';
import { checkAllowed } from './allow.ts';
import { withPlace } from './base-images.ts';
import type { BuildOptions } from './build.ts';
import type { ImageOrigin } from './contexts/named.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { linesOf } from './dockerfile/source.ts';
import { planGraph } from './plan.ts';
import { checkRuns } from './platform.ts';
import { imageKey, type PlannedStages, planStages } from './stages.ts';

/** What can be said of a build before anything is fetched or run. */
export interface DryPlan {
  /** The configs of those base images that are here, by `imageKey`. */
  readonly images: ReadonlyMap<string, ImageConfig>;
  /** Why the build would be refused. */
  readonly error?: ClocheError | undefined;
}

export type DryOptions = Omit<BuildOptions, 'run' | 'context'>;

/** Plans as `build` does, with the images that are here; registries are not asked, and nothing is run. */
export function dryPlan(store: Store, dockerfile: Dockerfile, options: DryOptions): DryPlan {
  const images = new Map<string, ImageConfig>();
  let isWhole = true;
  try {
    const planned = planWith(store, dockerfile, options, images);
    isWhole = planned.images.every((origin) => images.has(imageKey(origin)));
    checkRuns(dockerfile, planned);
    const { buildArgs, network, surroundings, labels, contexts } = options;
    const about = { images, buildArgs, network, surroundings, labels, contexts };
    checkAllowed(planGraph(dockerfile, planned, about), dockerfile, options);
    return { images };
  } catch (error) {
    if (!(error instanceof ClocheError)) throw error;
    return isWhole || isCertain(error, dockerfile) ? { images, error } : { images };
  }
}

/** ONBUILD in an image may name further ones, as long as it is here. */
function planWith(
  store: Store,
  dockerfile: Dockerfile,
  { buildArgs = {}, contexts = new Map(), ...options }: DryOptions,
  images: Map<string, ImageConfig>,
): PlannedStages {
  for (;;) {
    const planned = planStages(dockerfile, buildArgs, { ...options, contexts, images });
    const before = images.size;
    for (const origin of planned.images) {
      if (images.has(imageKey(origin))) continue;
      const config = withPlace({ dockerfile, planned }, origin, contexts, () =>
        localConfig(store, origin),
      );
      if (config !== undefined) images.set(imageKey(origin), config);
    }
    if (images.size === before) return planned;
  }
}

function localConfig(store: Store, { reference, platform }: ImageOrigin): ImageConfig | undefined {
  const image = findImage(store, reference);
  const config = image && configOf(store, image);
  if (config === undefined || platform === undefined) return config;
  return matches(config, platform) ? config : undefined;
}

/** A variable may be set by an image that is not here; what has none would be refused in any case. */
function isCertain({ details }: ClocheError, { source }: Dockerfile): boolean {
  const line = Number(details.line);
  return !linesOf(source)[line - 1]?.includes('$');
}
