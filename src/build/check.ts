import type { ImageConfig } from '../image/index.ts';
import { toRaw } from '../image/layer/scan.ts';
import { type ContextPlace, type OpenedContext, openContext } from './context.ts';
import { lint, type Report } from './dockerfile/lint/lint.ts';
import { errorAt, excerpt } from './dockerfile/source.ts';

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
export async function checkDockerfile(
  options: ContextPlace & Pick<About, 'buildArgs'>,
): Promise<Warning[]> {
  const context = await openContext(options);
  const { dockerfile } = context;
  const { findings } = findingsOf(context, { buildArgs: options.buildArgs });
  return findings.map(({ rule, message, url, place }) => ({
    ...{ rule, message, url, line: place.line },
    excerpt: excerpt(dockerfile, place),
  }));
}

/**
 * Lets a build go on, unless its Dockerfile says `# check=error=true` and has findings.
 *
 * @throws {ClocheError} `CHECK_FAILED`
 */
export function enforceChecks(context: OpenedContext, about: About): void {
  const { findings, isError } = findingsOf(context, about);
  const [first] = findings;
  if (!isError || first === undefined) return;
  const rules = [...new Set(findings.map(({ rule }) => rule))].join(', ');
  throw errorAt(
    ...(['CHECK_FAILED', context.dockerfile, first.place] as const),
    `lint violation found for rules: ${rules}`,
    `${first.message}: ${first.url}\nAll of them: cloche build --check.`,
  );
}

interface About {
  readonly images?: ReadonlyMap<string, ImageConfig> | undefined;
  readonly buildArgs: Readonly<Record<string, string>> | undefined;
}

function findingsOf({ tree, dockerfile }: OpenedContext, { images, buildArgs }: About): Report {
  return lint(dockerfile, {
    ...{ images, check: buildArgs?.BUILDKIT_DOCKERFILE_CHECK },
    ignores: (path) => tree.hides?.(toRaw(path), false) ?? false,
  });
}
