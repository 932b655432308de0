import { ClocheError } from '../error.ts';
import {
  canonical,
  configOf,
  type ImageConfig,
  parseReference,
  resolveImage,
  type Store,
  withTag,
} from '../image/index.ts';
import type { ImageOrigin, NamedContexts } from './contexts/named.ts';
import type { Instruction } from './dockerfile/instruction.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { type Place, placed } from './dockerfile/source.ts';
import type { Progress } from './progress.ts';
import {
  imageKey,
  type Origin,
  originOf,
  type PlannedStage,
  type PlannedStages,
} from './stages.ts';

interface Options {
  readonly contexts: NamedContexts;
  readonly signal: AbortSignal;
  /** Whether registries are asked for images that are here. */
  readonly pull: boolean | undefined;
}

/**
 * Finds or fetches the images that stages name and that `images` does not have yet, and puts their
 * configs there.
 *
 * @throws {ClocheError} as `resolveImage`, with the place that names the image; the signal's reason
 */
export async function resolveImages(
  store: Store,
  about: Planned,
  images: Map<string, ImageConfig>,
  steps: Progress,
  options: Options,
): Promise<void> {
  for (const origin of about.planned.images) {
    if (images.has(imageKey(origin))) continue;
    try {
      images.set(imageKey(origin), await resolve(store, origin, steps, options));
    } catch (error) {
      options.signal.throwIfAborted();
      throw atPlace(error, about, origin, options.contexts);
    }
  }
}

interface Planned {
  readonly dockerfile: Dockerfile;
  readonly planned: PlannedStages;
}

/** Does something with an image that stages name. @throws its error, with the place that names the image */
export function withPlace<T>(
  about: Planned,
  origin: ImageOrigin,
  contexts: NamedContexts,
  action: () => T,
): T {
  try {
    return action();
  } catch (error) {
    throw atPlace(error, about, origin, contexts);
  }
}

function atPlace(
  error: unknown,
  { dockerfile, planned }: Planned,
  origin: ImageOrigin,
  contexts: NamedContexts,
): unknown {
  const place = placeOf(dockerfile, planned, origin, contexts);
  if (place === undefined || !(error instanceof ClocheError)) return error;
  return placed(error, dockerfile.source, place);
}

async function resolve(
  store: Store,
  { reference, platform }: ImageOrigin,
  steps: Progress,
  { signal, pull }: Options,
): Promise<ImageConfig> {
  const shown = canonical(withTag(parseReference(reference)));
  const step = steps.begin(`[internal] load metadata for ${shown}`);
  try {
    const image = await resolveImage(store, reference, {
      onProgress: ({ text }) => step.note(text),
      ...{ signal, platform, keepsName: platform !== undefined },
      pull: pull === true ? 'always' : 'missing',
    });
    step.done();
    return configOf(store, image);
  } catch (error) {
    step.failed((error as Error).message);
    throw error;
  }
}

/** Where an image is named first: in a FROM, or in a `--from` of a stage that is needed. */
function placeOf(
  dockerfile: Dockerfile,
  { needed }: PlannedStages,
  image: ImageOrigin,
  contexts: NamedContexts,
): Place | undefined {
  const isIt = (origin: Origin) => origin.kind === 'image' && imageKey(origin) === imageKey(image);
  const names = (stage: PlannedStage, instruction: Instruction) =>
    fromOf(instruction).some((name) =>
      isIt(originOf(dockerfile, name, { place: instruction.place, ...stage }, contexts)),
    );
  const all = needed.flatMap((planned) => {
    const places = planned.instructions
      .filter((one) => names(planned, one))
      .map((one) => one.place);
    return isIt(planned.base) ? [planned.stage.place, ...places] : places;
  });
  return all.sort((one, other) => one.line - other.line)[0];
}

function fromOf(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'run') return instruction.mounts.flatMap(({ from }) => from ?? []);
  return instruction.kind === 'copy' && instruction.from !== undefined ? [instruction.from] : [];
}
