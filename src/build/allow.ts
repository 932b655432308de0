import type { Dockerfile } from './dockerfile/parse.ts';
import { errorAt } from './dockerfile/source.ts';
import type { Graph } from './graph.ts';

export interface Allowed {
  readonly allow?: readonly string[] | undefined;
  /** Of RUNs that say none; whoever chooses the host's allows it. */
  readonly network?: string | undefined;
}

/**
 * Checks before anything is run that what RUNs ask for beyond the ordinary was allowed by whoever
 * builds, in BuildKit's words.
 *
 * @throws {ClocheError} `BUILD_NOT_ALLOWED`
 */
export function checkAllowed(
  { vertices }: Graph,
  { source }: Dockerfile,
  { allow = [], network }: Allowed,
): void {
  const rights = new Set([...allow, ...(network === 'host' ? ['network.host'] : [])]);
  for (const { op, place } of vertices) {
    if (op.kind !== 'run') continue;
    const wanted = [
      ...(op.security === 'insecure' ? ['security.insecure'] : []),
      ...(op.network === 'host' ? ['network.host'] : []),
    ];
    const refused = wanted.find((right) => !rights.has(right));
    if (refused === undefined) continue;
    const hint = `If you trust this Dockerfile: build with --allow ${refused}.`;
    throw errorAt('BUILD_NOT_ALLOWED', source, place, `${refused} is not allowed`, hint);
  }
}
