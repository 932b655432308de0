import type { Platform } from '../image/index.ts';
import { OWN_PLATFORM, platformName } from '../image/registry/platform.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import { expand } from './dockerfile/words.ts';

interface About {
  /** The stage, as it was named. */
  readonly target?: string | undefined;
  /** Of the image; by default this machine's. */
  readonly platform?: Platform | undefined;
}

/**
 * The values that FROM lines see, and a stage that declares them again: the ARGs before the first
 * FROM, and what BuildKit predefines about platforms and the target.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: a default cannot be expanded
 */
export function globalArgs(
  { args, argPlaces, esc, source }: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  { target, platform = OWN_PLATFORM }: About = {},
): Map<string, string> {
  const predefined = { ...platformArgs(platform), TARGETSTAGE: target ?? 'default' };
  const values = new Map<string, string>(Object.entries(predefined));
  for (const name of values.keys()) {
    const said = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    if (said !== undefined) values.set(name, said);
  }
  for (const [index, { name, value }] of args.entries()) {
    const said = Object.hasOwn(buildArgs, name) ? buildArgs[name] : undefined;
    try {
      const given =
        said ?? (value === undefined ? undefined : expand(value, (one) => values.get(one), esc));
      if (given !== undefined) values.set(name, given);
    } catch (error) {
      const place = argPlaces[index] ?? { line: 1, column: 1, endLine: 1 };
      const hint = 'The default of an ARG sees only the ARGs above it.';
      throw errorAt('DOCKERFILE_INVALID', source, place, (error as Error).message, hint);
    }
  }
  return values;
}

/** The platform's ARGs that BuildKit predefines. */
function platformArgs(target: Platform): Record<string, string> {
  const about = (prefix: string, platform: Platform) => ({
    [`${prefix}PLATFORM`]: platformName(platform),
    [`${prefix}OS`]: platform.os,
    [`${prefix}ARCH`]: platform.architecture,
    [`${prefix}VARIANT`]: platform.variant ?? '',
  });
  return { ...about('BUILD', OWN_PLATFORM), ...about('TARGET', target) };
}
