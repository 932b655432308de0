import { toRaw } from '../image/layer/scan.ts';
import { openContext } from './context.ts';
import { lint } from './dockerfile/lint/lint.ts';
import { excerpt } from './dockerfile/source.ts';

/** One thing that a build check has to say, with the lines that it is about. */
export interface Warning {
  /** BuildKit's name of the rule. */
  readonly rule: string;
  readonly message: string;
  /** Docker's page about it. */
  readonly url: string;
  readonly line: number;
  readonly excerpt: string;
}

/**
 * Checks the Dockerfile of a build context and builds nothing.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`; as `openContext`
 */
export async function checkDockerfile(options: {
  readonly context: string;
  readonly file?: string | undefined;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
}): Promise<Warning[]> {
  const { tree, dockerfile } = await openContext(options.context, options.file);
  const { findings } = lint(dockerfile, {
    ignores: (path) => tree.hides?.(toRaw(path), false) ?? false,
    check: options.buildArgs?.BUILDKIT_DOCKERFILE_CHECK,
  });
  return findings.map(({ rule, message, url, place }) => ({
    ...{ rule, message, url, line: place.line },
    excerpt: excerpt(dockerfile, place),
  }));
}
