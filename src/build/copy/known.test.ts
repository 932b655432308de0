import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openWorkshop, type Workshop } from '../testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

const TWO = 'FROM scratch AS a\nCOPY a /\nFROM scratch\nCOPY --from=a /a /b';

test('what a cached COPY takes of a stage is not looked at', async () => {
  await shop.build(TWO, { a: '1' });
  const folder = join(shop.store.root, 'snapshots');
  const files = readdirSync(folder).map((name) => join(folder, name, 'fs/a'));
  for (const path of files) rmSync(path, { force: true });
  expect((await shop.build(TWO)).steps).toEqual([
    '[a 1/2] FROM scratch done',
    '[a 2/2] COPY a / cached',
    '[stage-1 2/2] COPY --from=a /a /b cached',
  ]);
});

test('to another place the same is copied; of another stage something else', async () => {
  await shop.build(TWO, { a: '1' });
  const elsewhere = await shop.build(TWO.replace('/b', '/c'));
  expect([elsewhere.file('c'), elsewhere.steps.at(-1)]).toEqual([
    '1',
    '[stage-1 2/2] COPY --from=a /a /c done',
  ]);
  expect((await shop.build(TWO, { a: '2' })).file('b')).toBe('2');
});

test('what is not there is an error each time', async () => {
  const missing = TWO.replace('/a /b', '/none /b');
  for (let i = 0; i < 2; i++)
    expect(await shop.failing(missing, { a: '1' })).toMatchObject({
      code: 'COPY_SOURCE_NOT_FOUND',
    });
});
