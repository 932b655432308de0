import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt, type Place } from './dockerfile/source.ts';
import type { Origin, PlannedStage } from './stages.ts';

/** Something that a stage stands on or takes files from. */
export interface Need {
  readonly origin: Origin;
  /** As it was written. */
  readonly name: string;
  readonly place: Place;
  /** Of the instruction. */
  readonly kind: string;
}

/** What each of the stages needs that a stage needs, itself among them; the others are not looked at. */
export type Needs = ReadonlyMap<number, readonly Need[]>;

/** Finds them by their numbers. Pure. */
export function needsOf(
  planned: readonly PlannedStage[],
  target: number,
  of: (stage: PlannedStage) => readonly Need[],
): Needs {
  const found = new Map<number, readonly Need[]>();
  const todo = [target];
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    const stage = planned[index];
    if (stage === undefined || found.has(index)) continue;
    const needs = of(stage);
    found.set(index, needs);
    for (const { origin } of needs) if (origin.kind === 'stage') todo.push(origin.index);
  }
  return found;
}

/**
 * Files can only be taken from a stage that stands above; what needs itself is called by that name.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`
 */
export function checkOrder(
  { source }: Dockerfile,
  planned: readonly PlannedStage[],
  needs: Needs,
): void {
  const wrong = planned.flatMap((stage) =>
    (needs.get(stage.index) ?? []).flatMap((need) => {
      const { origin } = need;
      const on = origin.kind === 'stage' ? planned[origin.index] : undefined;
      return on === undefined || on.index < stage.index ? [] : [{ stage, need, on }];
    }),
  );
  const circular = wrong.find(({ stage, on }) => leadsTo(needs, on.index, stage.index));
  if (circular !== undefined)
    throw errorAt(
      ...(['DOCKERFILE_INVALID', source, circular.need.place] as const),
      `circular dependency detected on stage: ${circular.on.stage.name ?? circular.on.index}`,
      'A stage can only take files from stages that do not need it.',
    );
  const [first] = wrong;
  if (first === undefined) return;
  const { stage, need } = first;
  const current = stage.stage.name ?? `stage-${stage.index}`;
  const what = need.kind === 'run' ? 'mount' : 'copy';
  throw errorAt(
    ...(['DOCKERFILE_INVALID', source, need.place] as const),
    `cannot ${what} from stage "${need.name}", it needs to be defined before current stage "${current}"`,
    `Write the stage ${need.name} above it.`,
  );
}

/** Whether a stage needs another one, by whatever way. */
function leadsTo(needs: Needs, from: number, to: number): boolean {
  const seen = new Set<number>();
  const todo = [from];
  for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
    if (index === to) return true;
    if (seen.has(index)) continue;
    seen.add(index);
    for (const { origin } of needs.get(index) ?? [])
      if (origin.kind === 'stage') todo.push(origin.index);
  }
  return false;
}
