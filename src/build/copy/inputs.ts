import type { ChainId, Store } from '../../image/index.ts';
import type { Context, ContextFiles } from '../context.ts';
import type { CopyOperation } from '../graph.ts';

/** What a COPY or an ADD is given beside its operation. */
export interface CopyInputs {
  readonly store: Store;
  readonly context: Context;
  /** What it stands on: its users are those that `--chown` names. */
  readonly base: ChainId | undefined;
  /** What is copied from, unless it is the build context. */
  readonly source: ChainId | undefined;
  /** What the context's files have as their time; without it, their own. */
  readonly epoch: Date | undefined;
  readonly signal: AbortSignal;
}

/** The build's own context, or the one that it names. */
export function contextOf(
  { context: name }: CopyOperation,
  { context }: Pick<CopyInputs, 'context'>,
): ContextFiles {
  const named = name === undefined ? context : context.named.get(name);
  if (named === undefined) throw new RangeError(`there is no context '${name}'`);
  return named;
}
