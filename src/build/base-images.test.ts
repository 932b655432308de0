import { afterEach, beforeEach, expect, test } from 'bun:test';
import { openWorkshop, type Workshop } from './testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

const AWAY = 'nowhere.invalid/it:1';

test.each([
  ['a bad name in FROM', 'FROM base\nFROM Nope AS b\nFROM base\nCOPY --from=b / /', 2],
  ['one that cannot be had in FROM', `FROM ${AWAY}`, 1],
  ['one in COPY', `FROM base\n\nCOPY --from=${AWAY} a /\nCOPY --from=${AWAY} b /`, 3],
  ['one in a mount', `FROM base\nRUN --mount=from=${AWAY},target=/m true`, 2],
])('%s is shown at its place', async (_, dockerfile, line) => {
  const error = await shop.failing(dockerfile);
  expect(error.message).toStartWith(`Dockerfile:${line}:1: `);
  expect(error.details).toMatchObject({ line, column: 1 });
  expect(error.hint).toContain(`>>> ${dockerfile.split('\n')[line - 1]}`);
  expect(['IMAGE_NOT_FOUND', 'REFERENCE_INVALID']).toContain(error.code);
});

test('an image that a context stands for is shown where the context is named', async () => {
  const contexts = new Map([['it:latest', { kind: 'image', reference: AWAY } as const]]);
  const error = await shop.failing('FROM base\nCOPY --from=it / /', {}, { contexts });
  expect([error.code, error.class]).toEqual(['IMAGE_NOT_FOUND', 'not-found']);
  expect(error.message).toStartWith('Dockerfile:2:1: unable to find image');
});

test('the step that looks for it fails, and is said to have failed', async () => {
  const kinds: string[] = [];
  const onEvent = ({ kind }: { kind: string }) => kinds.push(kind);
  await shop.failing(`FROM ${AWAY}`, {}, { onEvent });
  expect(kinds.at(-1)).toBe('failed');
});

test('a variable in COPY --from is refused in words that say what to do instead', async () => {
  const error = await shop.failing('ARG X=base\nFROM base\nCOPY --from=$X / /');
  expect(error.message).toStartWith(
    'Dockerfile:3:1: variable expansion is not supported for --from, define a new stage',
  );
});
