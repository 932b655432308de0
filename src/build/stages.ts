import type { Instruction } from './dockerfile/instruction.ts';
import type { Dockerfile, Stage } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import { suggest } from './dockerfile/suggest.ts';
import { expand } from './dockerfile/words.ts';

/** What a stage or a `COPY --from` stands on. */
export type Origin =
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'image'; readonly reference: string }
  | { readonly kind: 'scratch' };

export interface PlannedStage {
  readonly index: number;
  readonly stage: Stage;
  readonly base: Origin;
}

/** The stages that the target needs, in the order of the file, and the images that they name. */
export interface PlannedStages {
  readonly needed: readonly PlannedStage[];
  readonly target: number;
  readonly images: readonly string[];
  /** The values of the ARGs before the first FROM. */
  readonly globals: ReadonlyMap<string, string>;
}

/**
 * Finds out what the target stage (by default the last) needs; the other stages are never looked at
 * again. Pure.
 *
 * @throws {ClocheError} `STAGE_NOT_FOUND`, `DOCKERFILE_INVALID`
 */
export function planStages(
  dockerfile: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  target?: string,
): PlannedStages {
  const globals = globalArgs(dockerfile, buildArgs);
  const origins = dockerfile.stages.map((stage, index) =>
    originOf(dockerfile, stageBase(dockerfile, stage, globals), index),
  );
  const last = target === undefined ? dockerfile.stages.length - 1 : stageNamed(dockerfile, target);
  const wanted = new Set<number>();
  const images = new Set<string>();
  const want = (origin: Origin) => {
    if (origin.kind === 'image') images.add(origin.reference);
    if (origin.kind !== 'stage' || wanted.has(origin.index)) return;
    wanted.add(origin.index);
    const base = origins[origin.index];
    if (base !== undefined) want(base);
    for (const instruction of dockerfile.stages[origin.index]?.instructions ?? [])
      for (const name of namedBy(instruction)) want(originOf(dockerfile, name, origin.index));
  };
  want({ kind: 'stage', index: last });
  const needed = dockerfile.stages.flatMap((stage, index) => {
    const base = origins[index];
    return wanted.has(index) && base !== undefined ? [{ index, stage, base }] : [];
  });
  return { needed, target: last, images: [...images], globals };
}

/** What an instruction takes files from beside the stage that it stands in. */
function namedBy(instruction: Instruction): readonly string[] {
  if (instruction.kind === 'run') return instruction.mounts.flatMap(({ from }) => from ?? []);
  return instruction.kind === 'copy' && instruction.from !== undefined ? [instruction.from] : [];
}

/** A name in FROM or `--from`: a stage that stands above, by name or (for `--from`) number; else an image. */
export function originOf(dockerfile: Dockerfile, name: string, before: number): Origin {
  if (name === 'scratch') return { kind: 'scratch' };
  const earlier = dockerfile.stages.slice(0, before);
  const index = earlier.findLastIndex((stage) => stage.name === name.toLowerCase());
  if (index >= 0) return { kind: 'stage', index };
  if (/^\d+$/.test(name) && Number(name) < before) return { kind: 'stage', index: Number(name) };
  return { kind: 'image', reference: name };
}

/** The platform's ARGs that BuildKit predefines. */
function platformArgs(): Record<string, string> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const about = (prefix: string) => ({
    [`${prefix}PLATFORM`]: `linux/${architecture}`,
    [`${prefix}OS`]: 'linux',
    [`${prefix}ARCH`]: architecture,
    [`${prefix}VARIANT`]: '',
  });
  return { ...about('BUILD'), ...about('TARGET') };
}

function globalArgs({ args, esc }: Dockerfile, buildArgs: Readonly<Record<string, string>>) {
  const values = new Map<string, string>(Object.entries(platformArgs()));
  for (const { name, value } of args) {
    const said = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    const given =
      said ?? (value === undefined ? undefined : expand(value, (n) => values.get(n), esc));
    if (given !== undefined) values.set(name, given);
  }
  return values;
}

function stageBase(
  { source, esc }: Dockerfile,
  stage: Stage,
  globals: ReadonlyMap<string, string>,
): string {
  let base: string;
  try {
    base = expand(stage.base, (name) => globals.get(name), esc);
  } catch (error) {
    throw errorAt('DOCKERFILE_INVALID', source, stage.place, (error as Error).message);
  }
  if (base === '')
    throw errorAt(
      'DOCKERFILE_INVALID',
      ...[source, stage.place, `base name (${stage.base}) should not be blank`],
      'Give the ARG before FROM a default, or a value with --build-arg.',
    );
  return base;
}

function stageNamed({ source, stages }: Dockerfile, target: string): number {
  const index = stages.findLastIndex((stage) => stage.name === target.toLowerCase());
  if (index >= 0) return index;
  if (/^\d+$/.test(target) && Number(target) < stages.length) return Number(target);
  const names = stages.flatMap((stage) => stage.name ?? []);
  const meant = suggest(target.toLowerCase(), names);
  const place = stages.at(-1)?.place ?? { line: 1, column: 1, endLine: 1 };
  const hint = meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${meant}?`;
  throw errorAt(
    'STAGE_NOT_FOUND',
    source,
    place,
    `target stage "${target}" could not be found`,
    hint,
  );
}
