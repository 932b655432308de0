import { type ChainId, chainOf, type Digest, findSnapshot, type Store } from '../../image/index.ts';
import { hasSnapshot } from '../../image/snapshots.ts';
import { cached, type Remembered, rememberedSteps } from '../cache.ts';
import { secondsOf } from '../epoch.ts';
import { type Graph, isApart, type Vertex } from '../graph.ts';
import { progress } from '../progress.ts';
import { isDirectory, readyStep, type SolveOptions } from '../solve.ts';
import { difference } from './difference.ts';

/** What a build would do for one vertex. */
export interface Explained {
  readonly id: Digest;
  /** `[build 2/4] RUN make` */
  readonly name: string;
  /** Ids of what it stands on and takes files from. */
  readonly inputs: readonly Digest[];
  /** `nothing`: an image that is here, a directory that exists. */
  readonly would: 'use the cache' | 'run' | 'nothing';
  /** Why it would run: what is different from before. */
  readonly why?: string | undefined;
}

type Options = Omit<SolveOptions, 'progress'>;

/** Says of each vertex whether the cache has it and, if not, why; nothing is run or written. */
export async function explain(graph: Graph, options: Options): Promise<Explained[]> {
  const known = rememberedSteps(options.store);
  /** What is not in it is to be built first. */
  const chains = new Map<Digest, ChainId | null>();
  const all: Explained[] = [];
  for (const vertex of graph.vertices) {
    const { chain, ...verdict } = await explainVertex(vertex, chains, known, options);
    if (chain !== undefined) chains.set(vertex.id, chain);
    all.push({ id: vertex.id, name: vertex.name, inputs: vertex.inputs, ...verdict });
  }
  return all;
}

interface Verdict extends Pick<Explained, 'would' | 'why'> {
  /** What it gives, if that is known; null: no files. */
  readonly chain?: ChainId | null | undefined;
}

async function explainVertex(
  vertex: Vertex,
  chains: ReadonlyMap<Digest, ChainId | null>,
  known: readonly Remembered[],
  options: Options,
): Promise<Verdict> {
  const { op, inputs } = vertex;
  const { store } = options;
  if (op.kind === 'base') return { would: 'nothing', chain: op.chainId };
  const found = inputs.map((id) => chains.get(id));
  const [parent] = found;
  if (
    op.kind === 'workdir' &&
    parent !== undefined &&
    isDirectory(store, parent ?? undefined, op.path)
  )
    return { would: 'nothing', chain: parent };
  if (!options.usesCache(vertex)) return { would: 'run', why: 'the cache is not to be used' };
  // Of a COPY --link only the owner's name has to do with what it stands on.
  const needed = op.kind === 'copy' && op.link && op.chown === null ? found.slice(1) : found;
  if (needed.includes(undefined)) {
    const why = difference({ op, parent: undefined, facts: null, files: new Map() }, known);
    const what = parent === undefined ? 'its base changed' : 'what it takes files from changed';
    return { would: 'run', why: why === 'never built here' ? why : what };
  }
  const step = await readyStep(
    op,
    found.map((one) => one ?? undefined),
    SILENT,
    options,
  );
  step.release?.();
  const key = {
    op,
    parent: isApart(op) ? null : (parent ?? null),
    ...{ facts: step.facts, epoch: secondsOf(options.epoch) },
  };
  const chain = cached(store, key);
  if (chain !== undefined)
    return { would: 'use the cache', chain: isApart(op) ? onTop(store, parent, chain) : chain };
  const files = (await step.files?.()) ?? new Map();
  return { would: 'run', why: difference({ ...key, files }, known) };
}

/** Where the layer would lie on top of its base, if that is known and it lies there already. */
function onTop(store: Store, parent: ChainId | null | undefined, chain: ChainId) {
  if (parent === undefined) return undefined;
  const stacked = chainOf(parent ?? undefined, findSnapshot(store, chain).diffId);
  return hasSnapshot(store, stacked) ? stacked : undefined;
}

const SILENT = progress(() => undefined).begin('');

/** As lines for people, aligned. */
export function explainedText(all: readonly Explained[]): string {
  const words = { 'use the cache': 'cached', run: 'run', nothing: '-' };
  return all
    .map(({ name, would, why }) => {
      const reason = why === undefined ? '' : `\n        ${why}`;
      return `${words[would].padEnd(7)} ${name}${reason}\n`;
    })
    .join('');
}
