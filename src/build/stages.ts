import type { ImageConfig, Platform } from '../image/index.ts';
import { OWN_PLATFORM, platformName } from '../image/registry/platform.ts';
import { suggest } from '../suggest.ts';
import {
  type ImageOrigin,
  type NamedContexts,
  type NamedOrigin,
  nameOfContext,
} from './contexts/named.ts';
import type { Instruction } from './dockerfile/instruction.ts';
import { type Dockerfile, parseTrigger, type Stage } from './dockerfile/parse.ts';
import { errorAt, type Place } from './dockerfile/source.ts';
import { expand } from './dockerfile/words.ts';
import { globalArgs } from './globals.ts';
import { checkOrder, type Need, needsOf } from './order.ts';
import { isOwn, readPlatform } from './platform.ts';

/** What a stage or a `COPY --from` stands on. */
export type Origin =
  | NamedOrigin
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'scratch' };

export interface PlannedStage {
  readonly index: number;
  readonly stage: Stage;
  readonly base: Origin;
  /** What FROM says, or what it stands on has, or the target's. */
  readonly platform: Platform;
  /** What the base's ONBUILDs set off, and then the stage's own. */
  readonly instructions: readonly Instruction[];
}

/** The stages that the target needs, each after those that it needs, and the images that they name. */
export interface PlannedStages {
  readonly needed: readonly PlannedStage[];
  readonly target: number;
  readonly images: readonly ImageOrigin[];
  /** The values of the ARGs before the first FROM. */
  readonly globals: ReadonlyMap<string, string>;
}

export interface StagesOptions {
  /** By default the last stage. */
  readonly target?: string | undefined;
  /** Of the image, if it is not for this machine. */
  readonly platform?: Platform | undefined;
  /**
   * The configs of the images that are known already, by `imageKey`: the triggers in them may name more, so
   * `planStages` is asked until it names none that is not known.
   */
  readonly images?: ReadonlyMap<string, ImageConfig> | undefined;
  /** A name in it means what stands there, whatever else has it. */
  readonly contexts?: NamedContexts | undefined;
}

/**
 * Finds out what the target stage needs; the other stages are never looked at again. Pure.
 *
 * @throws {ClocheError} `STAGE_NOT_FOUND`, `DOCKERFILE_INVALID`, `PLATFORM_INVALID`
 */
export function planStages(
  dockerfile: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  { target, platform: wanted, images = new Map(), contexts = new Map() }: StagesOptions = {},
): PlannedStages {
  const last = target === undefined ? dockerfile.stages.length - 1 : stageNamed(dockerfile, target);
  const globals = globalArgs(dockerfile, buildArgs, { target, platform: wanted });
  const planned: PlannedStage[] = [];
  for (const [index, stage] of dockerfile.stages.entries()) {
    const named = baseOf(dockerfile, stage, index, { globals, contexts });
    const inherited = named.kind === 'stage' ? planned[named.index]?.platform : wanted;
    const platform = platformOf(dockerfile, stage, globals) ?? inherited ?? OWN_PLATFORM;
    const base = onPlatform(named, platform);
    const triggers = triggersOf(dockerfile, base, stage.place, images);
    const instructions = [...triggers, ...stage.instructions];
    planned.push({ index, stage, base, platform, instructions });
  }
  const needs = needsOf(planned, last, (stage) => sourcesOf(dockerfile, stage, contexts));
  checkOrder(dockerfile, planned, needs);
  const needed = planned.filter(({ index }) => needs.has(index));
  const named = new Map<string, ImageOrigin>();
  for (const { index } of needed)
    for (const { origin } of needs.get(index) ?? [])
      if (origin.kind === 'image') named.set(imageKey(origin), origin);
  return { needed, target: last, images: [...named.values()], globals };
}

/** All that a stage stands on or takes files from. */
function sourcesOf(dockerfile: Dockerfile, stage: PlannedStage, contexts: NamedContexts): Need[] {
  const named = stage.instructions.flatMap((instruction) =>
    namedBy(instruction).map((name): Need => {
      const { place } = instruction;
      const origin = originOf(dockerfile, name, { ...stage, place }, contexts);
      return { origin, name, place, kind: instruction.kind };
    }),
  );
  const { base: origin, stage: said } = stage;
  return [{ origin, name: said.base, place: said.place, kind: 'from' }, ...named];
}

/** An image by its name and, where it is not this machine's, its platform. */
export function imageKey({ reference, platform }: ImageOrigin): string {
  return platform === undefined ? reference : `${reference} ${platformName(platform)}`;
}

function onPlatform(origin: Origin, platform: Platform): Origin {
  return origin.kind === 'image' && !isOwn(platform) ? { ...origin, platform } : origin;
}

/**
 * What `--from` names: a context, a stage by name or number, else an image of the platform of who takes
 * from it. That the stage stands above is `checkOrder`'s matter.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: there is no stage of that number
 */
export function originOf(
  { stages, source }: Dockerfile,
  name: string,
  { place, platform }: { readonly place: Place; readonly platform: Platform },
  contexts: NamedContexts,
): Origin {
  const context = contexts.get(nameOfContext(name));
  if (context !== undefined) return onPlatform(context, platform);
  if (name === 'scratch') return { kind: 'scratch' };
  const index = stages.findLastIndex((stage) => stage.name === name.toLowerCase());
  if (index >= 0) return { kind: 'stage', index };
  if (!/^\d+$/.test(name)) return onPlatform({ kind: 'image', reference: name }, platform);
  if (Number(name) < stages.length) return { kind: 'stage', index: Number(name) };
  throw errorAt(
    ...['DOCKERFILE_INVALID', source, place, `invalid stage index ${name}`],
    `Stages are counted from 0; the last is ${stages.length - 1}.`,
  );
}

/** What an instruction takes files from beside the stage that it stands in. */
function namedBy(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'run') return instruction.mounts.flatMap(({ from }) => from ?? []);
  return instruction.kind === 'copy' && instruction.from !== undefined ? [instruction.from] : [];
}

/** What FROM names: an earlier stage or an image. So stages cannot stand on each other in a circle. */
function baseOf(
  dockerfile: Dockerfile,
  stage: Stage,
  before: number,
  { globals, contexts }: { globals: ReadonlyMap<string, string>; contexts: NamedContexts },
): Origin {
  const name = fromWord(dockerfile, stage, stage.base, globals);
  if (name === '')
    throw errorAt(
      'DOCKERFILE_INVALID',
      ...[dockerfile.source, stage.place, `base name (${stage.base}) should not be blank`],
      'Give the ARG before FROM a default, or a value with --build-arg.',
    );
  const context = contexts.get(nameOfContext(name));
  if (context !== undefined) return context;
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = dockerfile.stages.slice(0, before);
  const index = earlier.findLastIndex((one) => one.name === name.toLowerCase());
  return index >= 0 ? { kind: 'stage', index } : { kind: 'image', reference: name };
}

function triggersOf(
  dockerfile: Dockerfile,
  base: Origin,
  place: Place,
  images: ReadonlyMap<string, ImageConfig>,
): Instruction[] {
  if (base.kind === 'scratch' || base.kind === 'files') return [];
  const triggers =
    base.kind === 'image'
      ? (images.get(imageKey(base))?.config.OnBuild ?? [])
      : (dockerfile.stages[base.index]?.instructions ?? []).flatMap((instruction) =>
          instruction.kind === 'onbuild' ? instruction.trigger : [],
        );
  return triggers.map((trigger) => parseTrigger(dockerfile, trigger, place));
}

/** A word of FROM, its variables put in. */
function fromWord(
  { source, esc }: Dockerfile,
  { place }: Stage,
  word: string,
  globals: ReadonlyMap<string, string>,
): string {
  try {
    return expand(word, (name) => globals.get(name), esc);
  } catch (error) {
    const hint = 'FROM sees the ARGs that stand before the first FROM.';
    throw errorAt('DOCKERFILE_INVALID', source, place, (error as Error).message, hint);
  }
}

/** What `FROM --platform` says. */
function platformOf(
  dockerfile: Dockerfile,
  stage: Stage,
  globals: ReadonlyMap<string, string>,
): Platform | undefined {
  const text = stage.platform && fromWord(dockerfile, stage, stage.platform, globals);
  if (text === undefined || text === '') return undefined;
  try {
    return readPlatform(text);
  } catch (error) {
    const hint = 'A platform looks like linux/amd64, linux/arm64 or linux/arm/v7.';
    const { message } = error as SyntaxError;
    throw errorAt('PLATFORM_INVALID', dockerfile.source, stage.place, message, hint);
  }
}

function stageNamed({ source, stages }: Dockerfile, target: string): number {
  const index = stages.findLastIndex((stage) => stage.name === target.toLowerCase());
  if (index >= 0) return index;
  if (/^\d+$/.test(target) && Number(target) < stages.length) return Number(target);
  const names = stages.flatMap((stage) => stage.name ?? []);
  const meant = suggest(target.toLowerCase(), names);
  const place = stages.at(-1)?.place ?? { line: 1, column: 1, endLine: 1 };
  const all =
    names.length === 0
      ? 'No stage has a name; give one with AS.'
      : `There are: ${names.join(', ')}.`;
  const hint = meant === undefined ? all : `Did you mean ${meant}?`;
  throw errorAt(
    'STAGE_NOT_FOUND',
    source,
    place,
    `target stage "${target}" could not be found`,
    hint,
  );
}
