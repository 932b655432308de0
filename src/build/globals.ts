import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import { expand } from './dockerfile/words.ts';

/**
 * The values that FROM lines see, and a stage that declares them again: the ARGs before the first
 * FROM, and what BuildKit predefines about platforms and the target.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: a default cannot be expanded
 */
export function globalArgs(
  { args, argPlaces, esc, source }: Dockerfile,
  buildArgs: Readonly<Record<string, string>>,
  target: string | undefined,
): Map<string, string> {
  const predefined = { ...platformArgs(), TARGETSTAGE: target ?? 'default' };
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
