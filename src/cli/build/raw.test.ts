import { expect, test } from 'bun:test';
import { rawPrinter } from './raw.ts';

test("each event is a line of buildx' rawjson: a vertex as it is now, or a log in base64", () => {
  const lines: string[] = [];
  const onEvent = rawPrinter(
    (line) => lines.push(line),
    () => new Date(0),
  );
  onEvent({ kind: 'begin', step: 1, name: '[1/2] FROM a' });
  onEvent({ kind: 'cached', step: 1 });
  onEvent({ kind: 'begin', step: 2, name: '[2/2] RUN x' });
  onEvent({ kind: 'output', step: 2, seconds: 0.1, line: 'hi' });
  onEvent({ kind: 'failed', step: 2, message: 'no' });
  const time = '1970-01-01T00:00:00.000Z';
  const all = lines.map((line) => JSON.parse(line));
  const digests = all.flatMap(({ vertexes = [] }) => vertexes).map(({ digest }) => digest);
  expect(digests[0]).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(new Set(digests).size).toBe(2);
  const [one, , two] = digests;
  const first = { digest: one, name: '[1/2] FROM a', started: time };
  const second = { digest: two, name: '[2/2] RUN x', started: time };
  expect(all).toEqual([
    { vertexes: [first] },
    { vertexes: [{ ...first, completed: time, cached: true }] },
    { vertexes: [second] },
    { logs: [{ vertex: two, stream: 1, data: btoa('hi\n'), timestamp: time }] },
    { vertexes: [{ ...second, completed: time, error: 'no' }] },
  ]);
});
