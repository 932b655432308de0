import { type ContainerConfig, chainOfAll, type Digest, type ImageConfig } from '../image/index.ts';
import type { NamedContexts } from './contexts/named.ts';
import type { Dockerfile } from './dockerfile/parse.ts';
import type { Place } from './dockerfile/source.ts';
import {
  type CopyOperation,
  type Graph,
  type HistoryStep,
  type Surroundings,
  type Vertex,
  type Vertices,
  vertices,
} from './graph.ts';
import { planInstructions, type StageState } from './instructions.ts';
import { imageKey, type Origin, originOf, type PlannedStages } from './stages.ts';

export interface GraphOptions {
  /** The configs of the images that the stages name, by `imageKey`. */
  readonly images: ReadonlyMap<string, ImageConfig>;
  readonly buildArgs?: Readonly<Record<string, string>> | undefined;
  /** For RUNs that do not say one: `bridge`, `none`, `host`. */
  readonly network?: string | undefined;
  readonly surroundings?: Surroundings | undefined;
  /** What `--build-context` names. */
  readonly contexts?: NamedContexts | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/**
 * Turns the needed stages of a Dockerfile into a build graph. Pure: what images hold was looked up
 * before, what files hold is looked at by `solve`.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`: a variable cannot be expanded.
 */
export function planGraph(
  dockerfile: Dockerfile,
  planned: PlannedStages,
  options: GraphOptions,
): Graph {
  const graph = vertices();
  const done = new Map<number, StageState>();
  const stateOf = (origin: Origin, label: string, place: Place): StageState => {
    const earlier = origin.kind === 'stage' ? done.get(origin.index) : undefined;
    if (earlier !== undefined) return earlier;
    if (origin.kind === 'files')
      return fromImage(undefined, filesVertex(graph, origin.name, label, place));
    const image = origin.kind === 'image' ? options.images.get(imageKey(origin)) : undefined;
    const chainId = chainOfAll(image?.rootfs.diff_ids ?? []) ?? null;
    const reference = origin.kind === 'image' ? origin.reference : 'scratch';
    const vertex = graph.add({ kind: 'base', reference, chainId }, [], label, place);
    return fromImage(image, vertex);
  };
  for (const { index, stage, base, platform, instructions } of planned.needed) {
    const steps = instructions.filter(({ kind }) => isStep(kind)).length + 1;
    const named = stage.name ?? (planned.needed.length > 1 ? `stage-${index}` : undefined);
    const label = (n: number, text: string) =>
      `[${named === undefined ? '' : `${named} `}${n}/${steps}] ${text}`;
    const start = stateOf(base, label(1, `FROM ${nameOf(base) ?? stage.base}`), stage.place);
    const context = {
      ...{ dockerfile, graph, label, network: options.network ?? 'bridge' },
      surroundings: options.surroundings,
      globals: planned.globals,
      buildArgs: options.buildArgs ?? {},
      sourceOf: (name: string) =>
        stateOf(
          originOf(dockerfile, name, { ...stage, platform }, options.contexts ?? new Map()),
          `FROM ${name}`,
          stage.place,
        ).vertex,
    };
    // What the base keeps for others was set off here, and is not kept any longer.
    const { OnBuild: _, ...config } = start.config;
    // That CMD was said counts in its own stage.
    const begun = { ...start, config, hasCmd: false };
    done.set(index, planInstructions(begun, instructions, context));
  }
  const last = done.get(planned.target);
  const target = planned.needed.find(({ index }) => index === planned.target);
  if (last === undefined || target === undefined)
    throw new RangeError(`stage ${planned.target} was not planned`);
  return {
    vertices: reachable(graph.list(), last.vertex),
    result: last.vertex,
    config: withLabels(last.config, options.labels),
    platform: target.platform,
    author: last.author,
    history: last.history,
  };
}

/** The files of a named context, as if a stage had nothing but a COPY of them. */
function filesVertex(graph: Vertices, name: string, label: string, place: Place): Digest {
  const nothing = graph.add(
    { kind: 'base', reference: 'scratch', chainId: null },
    [],
    `[context ${name}] FROM scratch`,
    place,
  );
  const op: CopyOperation = {
    ...{ kind: 'copy', from: 'context', context: name, sources: ['.'], inline: [], target: '/' },
    ...{ chown: null, chmod: null, link: false, parents: false, exclude: [], add: null },
  };
  return graph.add(op, [nothing], label, place);
}

/** Instructions that change files, which progress counts. */
function isStep(kind: string): boolean {
  return kind === 'run' || kind === 'copy' || kind === 'workdir';
}

function fromImage(image: ImageConfig | undefined, vertex: Digest): StageState {
  const history = (image?.history ?? []).map((entry): HistoryStep => ({ entry }));
  return {
    vertex,
    config: image?.config ?? {},
    history,
    args: new Map(),
    hasCmd: false,
    author: image?.author,
  };
}

function nameOf(origin: Origin): string | undefined {
  return origin.kind === 'image' ? origin.reference : undefined;
}

function withLabels(config: ContainerConfig, labels: GraphOptions['labels']): ContainerConfig {
  if (labels === undefined || Object.keys(labels).length === 0) return config;
  return { ...config, Labels: { ...config.Labels, ...labels } };
}

/** Only what the result stands on, in the same order. */
function reachable(all: readonly Vertex[], result: Digest): Vertex[] {
  const byId = new Map(all.map((vertex) => [vertex.id, vertex]));
  const wanted = new Set<Digest>();
  const want = (id: Digest) => {
    if (wanted.has(id)) return;
    wanted.add(id);
    for (const input of byId.get(id)?.inputs ?? []) want(input);
  };
  want(result);
  return all.filter(({ id }) => wanted.has(id));
}
