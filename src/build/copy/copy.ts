import { ClocheError } from '../../error.ts';
import { type ChainId, type Store, treeOf } from '../../image/index.ts';
import { toRaw } from '../../image/layer/scan.ts';
import type { Context } from '../context.ts';
import type { CopyOperation } from '../graph.ts';
import type { Step } from '../step.ts';
import { contentDigest, type Gathered, gather } from './gather.ts';
import { ownerOf } from './owner.ts';
import { isWildcard, pick } from './pick.ts';
import { place, placeInline } from './place.ts';
import { UpperLayer } from './upper.ts';

export interface CopyInputs {
  readonly store: Store;
  readonly context: Context;
  /** What is copied from, unless it is the build context. */
  readonly source: ChainId | undefined;
  readonly signal: AbortSignal;
}

/**
 * A COPY, ready to be done: what it would copy is known, and so is the digest of it.
 *
 * @throws {ClocheError} `COPY_SOURCE_NOT_FOUND`, `LINK_LOOP`
 */
export async function prepareCopy(op: CopyOperation, inputs: CopyInputs): Promise<Step> {
  const { store, signal } = inputs;
  const fromContext = op.from === 'context';
  const gathered = await sources(op, inputs);
  return {
    facts: contentDigest(gathered, { owners: !fromContext }),
    async perform(active) {
      const tree = treeOf(store, active.parent, active.upper);
      const upper = new UpperLayer(tree);
      const chown = op.chown ?? (fromContext ? '0:0' : undefined);
      const options = {
        ...{ tree, upper, signal },
        owner: chown === undefined ? undefined : ownerOf(tree, chown),
        mode: op.chmod === null ? undefined : Number.parseInt(op.chmod, 8),
      };
      const isDirectory = gathered.length + op.inline.length > 1 && !op.target.endsWith('/');
      const target = toRaw(isDirectory ? `${op.target}/` : op.target);
      for (const file of op.inline) placeInline(file, target, options);
      for (const one of gathered) await place(one, target, options);
      await upper.finish();
    },
  };
}

async function sources(
  { sources, from }: CopyOperation,
  { store, context, source }: CopyInputs,
): Promise<Gathered[]> {
  if (sources.length === 0) return [];
  const tree = from === 'context' ? context.tree : treeOf(store, source);
  const nodes = sources.flatMap((name) => {
    const picked = tree.layers.length === 0 ? [] : pick(tree, toRaw(name));
    if (picked.length === 0 && !isWildcard(name)) throw notFound(name, context, from);
    return picked;
  });
  if (nodes.length === 0) throw notFound(sources.join(' '), context, from);
  return gather(tree, nodes, { xattrs: from !== 'context' });
}

function notFound(name: string, context: Context, from: CopyOperation['from']): ClocheError {
  const where = from === 'context' ? 'the build context' : 'what --from names';
  const ignored =
    from === 'context' && context.ignoreFile !== undefined
      ? `, or '${context.ignoreFile}' excludes it`
      : '';
  return new ClocheError('COPY_SOURCE_NOT_FOUND', `"/${name.replace(/^\/+/, '')}": not found`, {
    class: 'not-found',
    hint: `It is not in ${where}${ignored}.`,
    details: { source: name },
  });
}
