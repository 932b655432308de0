import { expect, test } from 'bun:test';
import { buildView } from './view.ts';

function viewOf(about: { rows?: number; hasColours?: boolean } = {}) {
  let text = '';
  let now = 0;
  const view = buildView({
    write: (more) => {
      text = more;
    },
    ...{ columns: () => 40, rows: () => about.rows ?? 24, now: () => now },
    hasColours: about.hasColours ?? false,
  });
  return {
    ...view,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    screen: () => Bun.stripANSI(text).trimEnd().split('\n'),
    raw: () => text,
  };
}

test('finished steps have times, running ones their last lines, without what moves the cursor', () => {
  const view = viewOf();
  view.onEvent({ kind: 'begin', step: 1, name: '[1/3] FROM base' });
  view.onEvent({ kind: 'done', step: 1, seconds: 0 });
  view.onEvent({ kind: 'begin', step: 2, name: '[2/3] COPY a b' });
  view.onEvent({ kind: 'cached', step: 2 });
  view.onEvent({ kind: 'begin', step: 3, name: '[3/3] RUN make everything that there is' });
  for (let n = 0; n < 9; n++)
    view.onEvent({ kind: 'output', step: 3, seconds: 0, line: `\x1b[31mline\x1b[0m ${n}\x1b[2J` });
  view.pass(1240);
  view.draw();
  expect(view.screen()).toEqual([
    '[+] Building 1.2s (2/3)',
    ' => [1/3] FROM base                 0.0s',
    ' => CACHED [2/3] COPY a b           0.0s',
    ' => [3/3] RUN make everything that… 1.2s',
    ...[3, 4, 5, 6, 7, 8].map((n) => ` => => # line ${n}`),
  ]);
  view.onEvent({ kind: 'failed', step: 3, message: 'no' });
  view.end();
  expect(view.raw()).toStartWith('\x1b[10A');
  expect(view.screen().at(-1)).toStartWith(' => ERROR [3/3] RUN make');
});

test('on a low screen the oldest finished steps give way, at the end all are there', () => {
  const view = viewOf({ rows: 8, hasColours: true });
  for (let step = 1; step <= 12; step++) {
    view.onEvent({ kind: 'begin', step, name: `step ${step}` });
    if (step < 12) view.onEvent({ kind: 'done', step, seconds: 0 });
  }
  view.draw();
  expect(view.screen()).toHaveLength(6);
  expect(view.screen().at(-1)).toContain('step 12');
  expect(view.raw()).toContain('\x1b[34m => step 11');
  view.end();
  expect(view.screen()).toHaveLength(13);
});

test("that a base is not the registry's stands there when all is over", () => {
  const view = viewOf();
  const line = "made alpine:3 on this machine, it is not the registry's";
  view.onEvent({ kind: 'begin', step: 1, name: '[1/2] FROM alpine:3' });
  view.onEvent({ kind: 'output', step: 1, seconds: undefined, line: 'making a stand-in' });
  view.onEvent({ kind: 'output', step: 1, seconds: undefined, line });
  view.onEvent({ kind: 'done', step: 1, seconds: 0 });
  view.end();
  expect(view.screen().slice(1)).toEqual([
    ' => [1/2] FROM alpine:3             0.0s',
    ' => => made alpine:3 on this machine,',
    " => => it is not the registry's",
  ]);
});
