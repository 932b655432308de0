import type { Surroundings } from './graph.ts';
import type { Progress } from './progress.ts';
import type { CacheTarget } from './shared-cache/index.ts';

/**
 * Build arguments by which BuildKit is told something about the build itself, whether the Dockerfile declares
 * them or not. SOURCE_DATE_EPOCH is in `epoch.ts`, BUILDKIT_DOCKERFILE_CHECK in `check.ts`.
 *
 * @see https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args
 */
export type BuildArgs = Readonly<Record<string, string>>;

/** Whether a repository that is the context keeps its `.git`. */
export function keepsGitDir({ BUILDKIT_CONTEXT_KEEP_GIT_DIR = '' }: BuildArgs): boolean {
  return isTrue(BUILDKIT_CONTEXT_KEEP_GIT_DIR);
}

/** Whether the image's config holds the cache, because of an argument or of `--cache-to`. */
export function hasInlineCache(
  targets: readonly CacheTarget[],
  { BUILDKIT_INLINE_CACHE = '' }: BuildArgs,
): boolean {
  return isTrue(BUILDKIT_INLINE_CACHE) || targets.some(({ type }) => type === 'inline');
}

/** With the name of the machine that RUN believes to be on, if one is said. */
export function surroundingsWith(
  surroundings: Surroundings | undefined,
  { BUILDKIT_SANDBOX_HOSTNAME: hostname = '' }: BuildArgs,
): Surroundings | undefined {
  return hostname === '' ? surroundings : { ...surroundings, hostname };
}

/** The id of a cache mount: each namespace has caches of its own. */
export function cacheMountId(id: string, { BUILDKIT_CACHE_MOUNT_NS = '' }: BuildArgs): string {
  return BUILDKIT_CACHE_MOUNT_NS === '' ? id : `${BUILDKIT_CACHE_MOUNT_NS}/${id}`;
}

/** Says which of them mean nothing here, and why. */
export function sayIgnored(buildArgs: BuildArgs, steps: Progress): void {
  const given = Object.entries(IGNORED).filter(
    ([name]) => !/^(0|f|F|false|FALSE|False)?$/.test(buildArgs[name] ?? ''),
  );
  if (given.length === 0) return;
  const step = steps.begin('[internal] build arguments without effect');
  for (const [name, why] of given) step.note(`${name}: ${why}`);
  step.done();
}

const IGNORED = {
  BUILDKIT_MULTI_PLATFORM: 'an image is written for one platform, and without an index',
  BUILDKIT_SYNTAX: 'Dockerfiles are read by cloche itself',
  BUILDKIT_BUILD_NAME: 'a build is called after its tags',
};

/** Go's strconv.ParseBool. */
export function isTrue(value: string): boolean {
  return /^(1|t|T|true|TRUE|True)$/.test(value);
}
