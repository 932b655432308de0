import { parseReference } from '../../../image/index.ts';
import { matches, OWN_PLATFORM, platformName } from '../../../image/registry/platform.ts';
import { suggest } from '../../../suggest.ts';
import type { Stage } from '../parse.ts';
import { expand } from '../words.ts';
import { type Finding, finding, type Subject } from './rule.ts';
import { PREDEFINED, plainVariables } from './variables.ts';

/** Rules about FROM: names of stages, platforms, and the ARGs that it sees. */
export function* stages(subject: Subject): Generator<Finding> {
  const names = new Set<string>();
  for (const stage of subject.dockerfile.stages) {
    yield* naming(stage, names);
    yield* platform(stage);
    yield* base(subject, stage);
    yield* baseOfElsewhere(subject, stage);
  }
}

function* naming({ name, text, place }: Stage, names: Set<string>): Generator<Finding> {
  if (name === undefined) return;
  const said = text.split(/\s+/).at(-1) ?? name;
  if (said !== name)
    yield finding('StageNameCasing', place, `Stage name '${said}' should be lowercase`);
  if (name === 'scratch' || name === 'context')
    yield finding(
      ...(['ReservedStageName', place] as const),
      `Stage name should not use the same name as reserved stage "${name}"`,
    );
  if (names.has(name))
    yield finding(
      ...(['DuplicateStageName', place] as const),
      `Duplicate stage name "${said}", stage names should be unique`,
    );
  names.add(name);
}

function* platform({ platform: said, name, place }: Stage): Generator<Finding> {
  if (said === undefined) return;
  if (/^\$(TARGETPLATFORM|\{TARGETPLATFORM\})$/.test(said))
    yield finding(
      ...(['RedundantTargetPlatform', place] as const),
      `Setting platform to predefined ${said} in FROM is redundant as this is the default behavior`,
    );
  // A stage that is called after its platform means it.
  const isMeant = said.split('/').some((part) => part !== '' && name?.includes(part));
  if (!said.includes('$') && !isMeant)
    yield finding(
      ...(['FromPlatformFlagConstDisallowed', place] as const),
      `FROM --platform flag should not use constant value "${said}"`,
    );
}

function* base({ dockerfile }: Subject, stage: Stage): Generator<Finding> {
  const { args, esc } = dockerfile;
  const declared = [...args.map(({ name }) => name), ...PREDEFINED];
  const used = [stage.base, stage.platform ?? ''].flatMap(plainVariables);
  for (const name of new Set(used.filter((one) => !declared.includes(one)))) {
    const meant = suggest(name, declared);
    const instead = meant === undefined ? '' : ` (did you mean ${meant}?)`;
    const message = `FROM argument '${name}' is not declared${instead}`;
    yield finding('UndefinedArgInFrom', stage.place, message);
  }
  if (!used.every((one) => declared.includes(one)) || !stage.base.includes('$')) return;
  const defaults = new Map(args.map(({ name, value }) => [name, value]));
  if (!isReference(() => expand(stage.base, (name) => defaultOf(name, defaults), esc)))
    yield finding(
      ...(['InvalidDefaultArgInFrom', stage.place] as const),
      `Default value for ARG ${stage.base} results in empty or invalid base image name`,
    );
}

/** An image that is here under the name of one for this machine. */
function* baseOfElsewhere({ images }: Subject, stage: Stage): Generator<Finding> {
  const config = images.get(stage.base);
  if (stage.platform !== undefined || config === undefined || matches(config, OWN_PLATFORM)) return;
  const [actual, expected] = [platformName(config), platformName(OWN_PLATFORM)];
  yield finding(
    ...(['InvalidBaseImagePlatform', stage.place] as const),
    `Base image ${stage.base} was pulled with platform "${actual}", expected "${expected}" for current build`,
  );
}

function defaultOf(name: string, defaults: ReadonlyMap<string, string | undefined>) {
  return defaults.get(name) ?? (PREDEFINED.includes(name) ? 'x' : undefined);
}

function isReference(text: () => string): boolean {
  try {
    parseReference(text());
    return true;
  } catch {
    return false;
  }
}
