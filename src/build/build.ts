import { type ImageConfig, type Platform, type Store, whileWorking } from '../image/index.ts';
import { checkAllowed } from './allow.ts';
import { resolveImages } from './base-images.ts';
import type { NamedPlaces } from './contexts/named.ts';
import { openContexts } from './contexts/opened.ts';
import { type Dockerfile, parse } from './dockerfile/parse.ts';
import type { Source } from './dockerfile/source.ts';
import { epochOf } from './epoch.ts';
import type { Explained } from './explain/explain.ts';
import type { Graph, Surroundings, Vertex } from './graph.ts';
import { proxyArgs } from './instructions.ts';
import { NO_SECRETS, type Secrets } from './mounts/index.ts';
import { planGraph } from './plan.ts';
import { checkRuns } from './platform.ts';
import { sayIgnored, surroundingsWith } from './predefined.ts';
import { type OnEvent, type Progress, progress } from './progress.ts';
import { type BuildRecord, keepRecord, recorder } from './record.ts';
import type { RunCommand } from './run.ts';
import {
  type CacheSource,
  type CacheTarget,
  type DoneStep,
  exportCaches,
  openCaches,
} from './shared-cache/index.ts';
import { type Solved, type SolveOptions, solve } from './solve.ts';
import { imageKey, planStages } from './stages.ts';

export interface BuildOptions {
  /** A directory. */
  readonly context: string;
  /** The Dockerfile, if it is not `Dockerfile` in the context. */
  readonly file?: string | undefined;
  /** What the Dockerfile is called in messages, if that is not `file`. */
  readonly fileName?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly target?: string | undefined;
  /** Of the image, if it is not for this machine: RUN must be able to run its programs. */
  readonly platform?: Platform | undefined;
  /** Some of them are for the whole build: see `epochOf` and `predefined.ts`. */
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Further ones, by name: see `withNamedContexts`. */
  readonly contexts?: NamedPlaces | undefined;
  /** For RUN: `bridge`, `host`, `none`. */
  readonly network?: string | undefined;
  /** For RUN too. */
  readonly surroundings?: Surroundings | undefined;
  /** Whether registries are asked for base images that are here; what is missing is always pulled. */
  readonly pull?: boolean | undefined;
  readonly noCache?: boolean | undefined;
  /** Caches that others have written. */
  readonly cacheFrom?: readonly CacheSource[] | undefined;
  /** Where to write what this build has done. */
  readonly cacheTo?: readonly CacheTarget[] | undefined;
  /** Stages of which the cache is not used. */
  readonly noCacheFilter?: readonly string[] | undefined;
  readonly secrets?: Secrets | undefined;
  /** Rights that RUNs may ask for: `security.insecure`, `network.host`. */
  readonly allow?: readonly string[] | undefined;
  readonly run: RunCommand;
  readonly onEvent?: OnEvent | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Says what `buildImage` would do for each vertex and why, and does none of it. @throws as that */
export async function explainBuild(store: Store, options: BuildOptions): Promise<Explained[]> {
  const steps = progress(() => undefined);
  return whileWorking(store.db, `build ${crypto.randomUUID()}`, async () => {
    const { graph, solving } = await plan(store, options, steps);
    const { explain } = await import('./explain/explain.ts');
    return explain(graph, solving);
  });
}

/** A graph and its results, of which something is made. */
export interface Built {
  readonly graph: Graph;
  readonly solved: Solved;
  readonly epoch: Date | undefined;
  readonly steps: Progress;
  /** What was done, or was known to be. */
  readonly done: readonly DoneStep[];
}

/**
 * Builds, gives the result to `finish`, and keeps a record of it, whether it failed or not.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`, `DOCKERFILE_UNSUPPORTED`, `DOCKERFILE_NOT_FOUND`,
 * `CONTEXT_NOT_FOUND`, `STAGE_NOT_FOUND`, `REFERENCE_INVALID`, `IMAGE_NOT_FOUND`, `RUN_FAILED`,
 * `COPY_SOURCE_NOT_FOUND`, `COPY_CONFLICT`, `USER_NOT_FOUND`; those that have a place in the file
 * say it and show the lines.
 */
export async function build<T extends { readonly id: string | null }>(
  store: Store,
  options: BuildOptions,
  finish: (built: Built) => Promise<T>,
): Promise<T & { readonly record: BuildRecord }> {
  const records = recorder(options.tags ?? []);
  const steps = progress((event) => {
    records.onEvent(event);
    options.onEvent?.(event);
  });
  try {
    const result = await whileWorking(store.db, `build ${crypto.randomUUID()}`, async () => {
      const { graph, solving, digests } = await plan(store, options, steps);
      const { signal } = solving;
      const shared = await openCaches(store, options.cacheFrom ?? [], steps, signal);
      const done: DoneStep[] = [];
      const onDone = (step: DoneStep) => done.push(step);
      const solved = await solve(graph, { ...solving, progress: steps, shared, onDone }).finally(
        () => digests?.keep(),
      );
      const finished = await finish({ graph, solved, epoch: solving.epoch, steps, done });
      const exported = { steps: done, result: solved.get(graph.result) };
      await exportCaches(store, options.cacheTo ?? [], exported, { steps, signal });
      return finished;
    });
    const record = records.end(result);
    keepRecord(store, record);
    return { ...result, record };
  } catch (error) {
    keepRecord(store, records.end(error as Error));
    throw error;
  }
}

/** Everything before the first step of the Dockerfile: its graph, and what it is solved with. */
async function plan(store: Store, options: BuildOptions, steps: Progress) {
  const signal = options.signal ?? new AbortController().signal;
  const buildArgs = options.buildArgs ?? {};
  const contexts = options.contexts ?? new Map();
  const { context, digests } = await openContexts(store, options, contexts);
  const reading = steps.begin(`[internal] load build definition from ${context.dockerfile.name}`);
  const dockerfile = parse(context.dockerfile);
  const stages = () => planStages(dockerfile, buildArgs, { ...options, images, contexts });
  const images = new Map<string, ImageConfig>();
  let planned = stages();
  reading.done();
  sayIgnored(buildArgs, steps);
  const resolving = { signal, contexts, pull: options.pull };
  // ONBUILD in an image may name further ones.
  while (planned.images.some((origin) => !images.has(imageKey(origin)))) {
    await resolveImages(store, { dockerfile, planned }, images, steps, resolving);
    if (images.values().some(({ config }) => config.OnBuild?.length)) planned = stages();
  }
  checkRuns(dockerfile, planned);
  if (asksForChecks(context.dockerfile, buildArgs))
    (await import('./check.ts')).enforceChecks(context, { images, buildArgs });
  const { network, labels } = options;
  const surroundings = surroundingsWith(options.surroundings, buildArgs);
  const about = { images, buildArgs, network, surroundings, contexts, labels };
  const graph = planGraph(dockerfile, planned, about);
  checkAllowed(graph, dockerfile, options);
  const solving: Omit<SolveOptions, 'progress'> = {
    ...{ store, context, signal, run: options.run },
    secrets: options.secrets ?? NO_SECRETS,
    epoch: epochOf(buildArgs),
    hiddenEnv: proxyArgs(buildArgs),
    usesCache: cacheFilter(dockerfile, options),
  };
  return { graph, solving, digests };
}

/** Only where somebody says that findings are errors does a build look for them. */
function asksForChecks({ text }: Source, buildArgs: Readonly<Record<string, string>>): boolean {
  return /^#\s*check\s*=/im.test(text) || buildArgs.BUILDKIT_DOCKERFILE_CHECK !== undefined;
}

/** Which vertices may be taken from the cache, by the stage that their name begins with. */
function cacheFilter(
  { stages }: Dockerfile,
  { noCache = false, noCacheFilter = [] }: BuildOptions,
): (vertex: Vertex) => boolean {
  if (noCache) return () => false;
  const left = new Set(noCacheFilter.map((name) => name.toLowerCase()));
  return ({ place }) => {
    const stage = stages.findLast((one) => one.place.line <= place.line)?.name;
    return stage === undefined || !left.has(stage);
  };
}
