import { ClocheError } from '../error.ts';
import {
  type ChainId,
  commit,
  type Digest,
  discard,
  find,
  prepare,
  reconcile,
  type Store,
  treeOf,
  whileWorking,
} from '../image/index.ts';
import { toRaw } from '../image/layer/scan.ts';
import { cached, digestOfKey, remember, type StepKey } from './cache.ts';
import type { Context } from './context.ts';
import { prepareCopy } from './copy/copy.ts';
import { errorAt } from './dockerfile/source.ts';
import { secondsOf } from './epoch.ts';
import { type Graph, isApart, type Operation, type RunOperation, type Vertex } from './graph.ts';
import type { Secrets } from './mounts/index.ts';
import type { Progress, StepProgress } from './progress.ts';
import type { RunCommand } from './run.ts';
import type { DoneStep, SharedCache } from './shared-cache/index.ts';
import type { Step } from './step.ts';

export interface SolveOptions {
  readonly store: Store;
  readonly context: Context;
  readonly progress: Progress;
  readonly run: RunCommand;
  /** Proxies and the like, which RUN sees and the cache does not. */
  readonly hiddenEnv: readonly string[];
  /** Whether what an earlier build did for this vertex will do. */
  readonly usesCache: (vertex: Vertex) => boolean;
  readonly secrets: Secrets;
  /** What others have done, asked when our own cache does not know. */
  readonly shared?: SharedCache | undefined;
  /** Told of each step that has a key what it gave. */
  readonly onDone?: ((step: DoneStep) => void) | undefined;
  /** See `epochOf`. */
  readonly epoch: Date | undefined;
  readonly signal: AbortSignal;
}

type StepOptions = Omit<SolveOptions, 'usesCache' | 'progress'>;

interface VertexOptions extends SolveOptions {
  /** Clears away, once, what killed builds have left. */
  readonly tidy: () => void;
}

/** What each vertex gave; undefined where there are no files at all (`FROM scratch`). */
export type Solved = ReadonlyMap<Digest, ChainId | undefined>;

/**
 * Does what the graph says, side by side where vertices do not need each other, and does nothing
 * that the cache knows: its key is the operation, the chainID it stands on, and the content that it
 * copies. What killed builds have left is cleared away before the first thing that is done. When one
 * vertex fails the others are stopped, and no active snapshot is left.
 *
 * @throws {ClocheError} the first failure, with its place in the Dockerfile.
 */
export async function solve(graph: Graph, options: SolveOptions): Promise<Solved> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const results = new Map<Digest, Promise<ChainId | undefined>>();
  let failure: unknown;
  let isTidy = false;
  const tidy = () => {
    if (!isTidy) reconcile(options.store);
    isTidy = true;
  };
  for (const vertex of graph.vertices) {
    const solved = Promise.all(vertex.inputs.map((id) => results.get(id))).then((inputs) =>
      solveVertex(vertex, inputs, { ...options, signal, tidy }),
    );
    solved.catch((error: unknown) => {
      failure ??= error;
      stop.abort();
    });
    results.set(vertex.id, solved);
  }
  await Promise.allSettled(results.values());
  if (failure !== undefined) throw failure;
  const entries = [...results].map(async ([id, chain]) => [id, await chain] as const);
  return new Map(await Promise.all(entries));
}

async function solveVertex(
  vertex: Vertex,
  inputs: readonly (ChainId | undefined)[],
  options: VertexOptions,
): Promise<ChainId | undefined> {
  options.signal.throwIfAborted();
  const progress = options.progress.begin(vertex.name);
  try {
    if (vertex.op.kind === 'base') return based(vertex.op, progress);
    return await operate({ ...vertex, op: vertex.op }, inputs, progress, options);
  } catch (error) {
    const placed = withPlace(error, vertex, options);
    progress.failed((error as Error).message);
    throw placed;
  }
}

function based(op: Extract<Operation, { kind: 'base' }>, progress: StepProgress) {
  progress.done();
  return op.chainId ?? undefined;
}

async function operate(
  vertex: Vertex & { readonly op: Exclude<Operation, { kind: 'base' }> },
  inputs: readonly (ChainId | undefined)[],
  progress: StepProgress,
  options: VertexOptions,
): Promise<ChainId | undefined> {
  const { store } = options;
  const { op } = vertex;
  const parent = inputs[0];
  if (op.kind === 'workdir' && isDirectory(store, parent, op.path)) {
    progress.done();
    return parent;
  }
  const step = await readyStep(op, inputs, progress, options);
  try {
    const key: StepKey = {
      op,
      parent: isApart(op) ? null : (parent ?? null),
      facts: step.facts,
      epoch: secondsOf(options.epoch),
    };
    const chain = options.usesCache(vertex)
      ? ((await fromCache(store, key, progress, options)) ??
        (await performedOnce(step, key, progress, options)))
      : await performed(step, key, progress, options);
    options.onDone?.({ key: digestOfKey(key), chain });
    if (!isApart(op)) return chain;
    const { stackedOn } = await import('./copy/stacked.ts');
    return await stackedOn(store, parent, chain);
  } finally {
    step.release?.();
  }
}

async function fromCache(
  store: Store,
  key: StepKey,
  progress: StepProgress,
  { shared, signal }: SolveOptions,
): Promise<ChainId | undefined> {
  const own = cached(store, key);
  const known = own ?? (await shared?.fetch(digestOfKey(key), progress, signal));
  if (own === undefined && known !== undefined) remember(store, key, known);
  if (known !== undefined) progress.cached();
  return known;
}

/** Of builds that are about to do the same, one does it, and the others have it from the cache then. */
function performedOnce(
  step: Step,
  key: StepKey,
  progress: StepProgress,
  options: VertexOptions,
): Promise<ChainId> {
  const { store, signal } = options;
  const onWait = () => progress.note('waiting for another build that does the same');
  return whileWorking(
    store.db,
    `step ${digestOfKey(key)}`,
    async () =>
      (await fromCache(store, key, progress, options)) ??
      (await performed(step, key, progress, options)),
    { onWait, signal },
  );
}

async function performed(
  step: Step,
  key: StepKey,
  progress: StepProgress,
  { store, epoch, signal, tidy }: VertexOptions,
): Promise<ChainId> {
  tidy();
  const active = prepare(store, key.parent ?? undefined);
  try {
    await step.perform(active);
    signal.throwIfAborted();
    if (epoch !== undefined)
      (await import('../image/layer/times.ts')).clampTimes(active.upper, epoch);
    const { chainId } = await commit(store, active);
    remember(store, key, chainId, await step.files?.());
    progress.done();
    return chainId;
  } catch (error) {
    discard(store, active);
    throw error;
  }
}

/**
 * An operation with what it stands on looked at: its key is known, and nothing is done yet. What does it is
 * loaded by the first step that is not cached.
 */
export async function readyStep(
  op: Exclude<Operation, { kind: 'base' }>,
  inputs: readonly (ChainId | undefined)[],
  step: StepProgress,
  options: StepOptions,
): Promise<Step> {
  const { store, context, epoch, signal } = options;
  const [base, source] = inputs;
  switch (op.kind) {
    case 'copy':
      return prepareCopy(op, { store, context, base, source, epoch, signal });
    case 'workdir':
      return {
        facts: null,
        perform: async (active) => (await import('./workdir.ts')).makeWorkdir(store, op, active),
      };
    case 'run':
      return readyRun(op, inputs, step, options);
  }
}

async function readyRun(
  op: RunOperation,
  inputs: readonly (ChainId | undefined)[],
  step: StepProgress,
  { store, context, run, hiddenEnv, secrets, signal }: StepOptions,
): Promise<Step> {
  const mountsOf = async () =>
    (await import('./mounts/prepare.ts')).prepareMounts(op, {
      ...{ store, context, inputs, secrets, signal },
    });
  // Without any there is nothing to look at.
  const mounts = op.mounts.length === 0 ? undefined : await mountsOf();
  return {
    facts: mounts?.facts ?? null,
    files: mounts?.files,
    perform: async (snapshot) => {
      const { runStep } = await import('./run.ts');
      const about = { snapshot, root: store.root, signal, run, hiddenEnv, step };
      await runStep(op, { ...about, mounts: mounts ?? (await mountsOf()) });
    },
  };
}

/** Whether a WORKDIR has nothing to do. */
export function isDirectory(store: Store, chain: ChainId | undefined, path: string): boolean {
  if (chain === undefined) return path === '/';
  return find(treeOf(store, chain), toRaw(path))?.kind === 'directory';
}

function withPlace(error: unknown, { place }: Vertex, { context, signal }: SolveOptions): unknown {
  if (signal.aborted || !(error instanceof ClocheError)) return error;
  const placed = errorAt(error.code, context.dockerfile, place, error.message, error.hint);
  const details = { ...placed.details, ...error.details };
  return new ClocheError(error.code, placed.message, {
    ...{ class: error.class, hint: placed.hint, details, cause: error },
  });
}
