import {
  type Digest,
  type HistoryEntry,
  type ImageConfig,
  type Store,
  stackOf,
} from '../image/index.ts';
import type { Graph } from './graph.ts';
import type { Solved } from './solve.ts';

/**
 * The image config. Its times are those of its layers and not of this build, so that a build whose
 * steps are all cached gives the very same image; with an epoch they are that, and those of the base that
 * are later.
 */
export function imageConfig(
  store: Store,
  graph: Graph,
  solved: Solved,
  epoch: Date | undefined,
): ImageConfig {
  const stack = stackOf(store, solved.get(graph.result)).reverse();
  const entries: HistoryEntry[] = [];
  let layers = 0;
  let created = epoch ?? stack[0]?.created ?? new Date(0);
  for (const { entry, vertex } of graph.history) {
    const { created: said, ...about } = entry;
    const isLayer = vertex === undefined ? entry.empty_layer !== true : madeLayer(vertex);
    if (isLayer) created = epoch ?? stack[layers]?.created ?? created;
    if (isLayer) layers++;
    entries.push({
      created: earlier(said, epoch) ?? created.toISOString(),
      ...about,
      ...(isLayer ? {} : { empty_layer: true }),
    });
  }
  return {
    created: created.toISOString(),
    ...(graph.author === undefined ? {} : { author: graph.author }),
    ...graph.platform,
    config: graph.config,
    rootfs: { type: 'layers', diff_ids: stack.map(({ diffId }) => diffId) },
    history: entries,
  };

  /** A WORKDIR that was there already changes nothing. */
  function madeLayer(id: Digest): boolean {
    const below = graph.vertices.find((vertex) => vertex.id === id)?.inputs[0];
    return below === undefined || solved.get(id) !== solved.get(below);
  }
}

/** What a base says of its own time, unless that is later. */
function earlier(said: string | undefined, epoch: Date | undefined): string | undefined {
  if (said === undefined || epoch === undefined) return said;
  return Date.parse(said) > epoch.getTime() ? epoch.toISOString() : said;
}
