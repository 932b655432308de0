import { ClocheError } from '../../error.ts';
import { type ChainId, type Store, treeOf } from '../../image/index.ts';
import { toRaw } from '../../image/layer/scan.ts';
import { components } from '../../image/tree.ts';
import type { Context } from '../context.ts';
import type { CopyOperation } from '../graph.ts';
import type { Step } from '../step.ts';
import { contentDigest, type Gathered, gather } from './gather.ts';
import { ignoring } from './ignore.ts';
import { ownerOf } from './owner.ts';
import { pick } from './pick.ts';
import { place, placeInline } from './place.ts';
import { UpperLayer } from './upper.ts';
import { isWildcard } from './wildcard.ts';

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
  if (op.add !== null)
    throw new ClocheError('DOCKERFILE_UNSUPPORTED', 'ADD is not supported yet', {
      class: 'invalid-argument',
      hint: 'COPY does the same for local files.',
    });
  const fromContext = op.from === 'context';
  const gathered = await sources(op, inputs);
  return {
    facts: contentDigest(gathered, { owners: !fromContext }),
    async perform(active) {
      const whole = treeOf(store, active.parent, active.upper);
      // --link: what lies below is not looked at, so no link there is followed.
      const tree = op.link ? { layers: [{ directory: active.upper, opaque: [] }] } : whole;
      const upper = new UpperLayer(tree);
      const chown = op.chown ?? (fromContext ? '0:0' : undefined);
      const options = {
        ...{ tree, upper, signal },
        owner: chown === undefined ? undefined : ownerOf(whole, chown),
        mode: op.chmod ?? undefined,
      };
      const isInto = op.parents || gathered.length + op.inline.length > 1;
      const isDirectory = isInto && !op.target.endsWith('/');
      const target = toRaw(isDirectory ? `${op.target}/` : op.target);
      for (const file of op.inline) placeInline(file, target, options);
      for (const one of gathered) await place(one, target, options);
      await upper.finish();
    },
  };
}

async function sources(op: CopyOperation, inputs: CopyInputs): Promise<Gathered[]> {
  const { from, parents } = op;
  if (op.sources.length === 0) return [];
  const tree = from === 'context' ? inputs.context.tree : treeOf(inputs.store, inputs.source);
  const named = op.sources.flatMap((name) => {
    const raw = toRaw(name);
    const picked = tree.layers.length === 0 ? [] : pick(tree, raw);
    if (picked.length === 0 && !isWildcard(name)) throw notFound(name, inputs.context, from);
    const slash = parents ? raw.indexOf('/./') : -1;
    const pivot = slash < 0 ? 0 : components(raw.slice(0, slash)).length;
    return picked.map((one) => ({ ...one, pivot }));
  });
  if (named.length === 0) throw notFound(op.sources.join(' '), inputs.context, from);
  const excludes = op.exclude.length === 0 ? undefined : ignoring(op.exclude);
  return gather(tree, named, { xattrs: from !== 'context', excludes, parents });
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
