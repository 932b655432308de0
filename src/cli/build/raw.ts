import type { BuildEvent, OnEvent } from '../../build/index.ts';
import { digestOf } from '../../image/index.ts';

/**
 * Events as BuildKit's `rawjson` has them, a `SolveStatus` a line, for programs that read buildx'.
 *
 * Source: moby/buildkit, client/graph.go.
 * @param write gets lines without their newline.
 */
export function rawPrinter(
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): OnEvent {
  const vertices = new Map<number, Vertex>();
  return (event) => {
    const time = now().toISOString();
    if (event.kind === 'begin') {
      const digest = digestOf(`${event.step} ${event.name}`);
      vertices.set(event.step, { digest, name: event.name, started: time });
    }
    const vertex = vertices.get(event.step);
    if (vertex !== undefined) write(JSON.stringify(statusOf(event, vertex, time)));
  };
}

interface Vertex {
  /** It tells the steps of one build apart; the cache knows them by others. */
  readonly digest: string;
  readonly name: string;
  readonly started: string;
}

function statusOf(event: BuildEvent, vertex: Vertex, time: string): unknown {
  switch (event.kind) {
    case 'begin':
      return { vertexes: [vertex] };
    case 'output':
      return { logs: [logOf(event, vertex, time)] };
    case 'failed':
      return { vertexes: [{ ...vertex, completed: time, error: event.message }] };
    default: {
      const cached = event.kind === 'cached' ? { cached: true } : {};
      return { vertexes: [{ ...vertex, completed: time, ...cached }] };
    }
  }
}

/** Bytes are base64, as Go writes them. */
function logOf(
  { line }: Extract<BuildEvent, { kind: 'output' }>,
  { digest }: Vertex,
  timestamp: string,
) {
  const data = Buffer.from(`${line}\n`).toString('base64');
  return { vertex: digest, stream: 1, data, timestamp };
}
