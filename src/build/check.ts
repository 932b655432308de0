import type { ClocheError } from '../error.ts';
import type { ImageConfig, Store } from '../image/index.ts';
import { toRaw } from '../image/layer/scan.ts';
import { type ContextPlace, type OpenedContext, openContext } from './context.ts';
import { lint, type Report } from './dockerfile/lint/lint.ts';
import { parse } from './dockerfile/parse.ts';
import { errorAt, excerpt } from './dockerfile/source.ts';

import { type DryOptions, dryPlan } from './dry-plan.ts';

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

export interface Checked {
  readonly warnings: readonly Warning[];
  /** Why the build would be refused before it has begun. */
  readonly error?: ClocheError | undefined;
}

/**
 * Checks the Dockerfile of a build context as far as it can be without a registry, and builds nothing.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: it cannot be read; as `openContext`
 */
export async function checkDockerfile(
  store: Store,
  options: ContextPlace & DryOptions,
): Promise<Checked> {
  const context = await openContext(options);
  const { images, error } = dryPlan(store, parse(context.dockerfile), options);
  const { findings } = findingsOf(context, { images, buildArgs: options.buildArgs });
  const warnings = findings.map(({ rule, message, url, place }) => ({
    ...{ rule, message, url, line: place.line },
    excerpt: excerpt(context.dockerfile, place),
  }));
  return { warnings, error };
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
