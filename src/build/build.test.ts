import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getImage } from '../image/index.ts';
import { lastBuilds } from './record.ts';
import type { RunSpec } from './run.ts';
import { openWorkshop, type Workshop } from './testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

describe('the cache', () => {
  const text = 'FROM base\nCOPY a /\nRUN write b 1';

  test('a second build runs nothing and gives the same image', async () => {
    const first = await shop.build(text, { a: '1' });
    const second = await shop.build(text);
    expect(second.id).toBe(first.id);
    expect(shop.ran).toHaveLength(1);
    expect(second.steps).toEqual([
      '[1/3] FROM base done',
      '[2/3] COPY a / cached',
      '[3/3] RUN write b 1 cached',
    ]);
  });

  test('a changed time does not break it, a changed mode or content does', async () => {
    await shop.build(text, { a: '1' });
    utimesSync(join(shop.context, 'a'), 1, 1);
    expect((await shop.build(text)).steps.at(-1)).toEndWith('cached');
    chmodSync(join(shop.context, 'a'), 0o755);
    expect((await shop.build(text)).steps.slice(1)).toEqual([
      '[2/3] COPY a / done',
      '[3/3] RUN write b 1 done',
    ]);
    writeFileSync(join(shop.context, 'a'), '2');
    expect((await shop.build(text)).steps.at(-1)).toEndWith('done');
  });

  test('what is copied later does not break what ran before', async () => {
    const ordered = 'FROM base\nCOPY package.json /\nRUN write modules x\nCOPY . /';
    await shop.build(ordered, { 'package.json': '{}', 'index.js': '1' });
    await shop.build(ordered, { 'index.js': '2' });
    expect(shop.ran).toHaveLength(1);
  });

  test('an ARG that RUN sees is part of it, --no-cache goes around it', async () => {
    const withArg = 'FROM base\nARG V\nRUN write v';
    for (const V of ['1', '2', '1']) await shop.build(withArg, {}, { buildArgs: { V } });
    expect(shop.ran).toHaveLength(2);
    await shop.build(withArg, {}, { buildArgs: { V: '1' }, noCache: true });
    expect(shop.ran).toHaveLength(3);
  });

  test('COPY --from is keyed by what is copied, not by how it was made', async () => {
    const stages = (n: string) =>
      `FROM base AS one\nRUN write out same ${n}\nFROM base\nCOPY --from=one /etc /e\nRUN write x 1`;
    await shop.build(stages('1'));
    const { steps } = await shop.build(stages('2'));
    expect(steps.slice(-2)).toEqual([
      '[stage-1 2/3] COPY --from=one /etc /e cached',
      '[stage-1 3/3] RUN write x 1 cached',
    ]);
  });
});

describe('stages', () => {
  test('those that the target does not need are not built', async () => {
    const text =
      'FROM base AS a\nRUN write a 1\nFROM nowhere AS b\nRUN write b 1\nFROM a AS c\nRUN write c 1\nFROM b';
    await shop.build(text, {}, { target: 'C' });
    expect(shop.ran.map(({ argv }) => argv.at(-1))).toEqual(['write a 1', 'write c 1']);
  });

  test('an unknown target names the one that was meant', async () => {
    const error = await shop.failing('FROM base AS build', {}, { target: 'biuld' });
    expect(error).toMatchObject({ code: 'STAGE_NOT_FOUND' });
    expect(error.hint).toContain('Did you mean build?');
  });

  test('when one fails the others stop and nothing is left', async () => {
    const error = await shop.failing(
      'FROM base AS a\nRUN fail 3\nFROM base AS b\nRUN write b 1\nFROM base\nCOPY --from=a / /\nCOPY --from=b / /',
    );
    expect(error.message).toBe(
      'Dockerfile:2:1: process "/bin/sh -c fail 3" did not complete successfully: exit code: 3',
    );
    expect(error.hint).toContain('fail 3');
    expect(error.hint).toContain('   2 | >>> RUN fail 3');
    expect(error.details).toMatchObject({ exitCode: 3, output: ['fail 3'] });
    expect(
      readdirSync(join(shop.store.root, 'snapshots')).filter((name) => name.startsWith('active')),
    ).toEqual([]);
    expect(readdirSync(join(shop.store.root, 'tmp'))).toEqual([]);
  });
});

test('a build that is stopped leaves no active snapshot and no image', async () => {
  const stop = new AbortController();
  const error = await shop.failing(
    'FROM base\nRUN write a 1',
    {},
    {
      tags: ['stopped'],
      signal: stop.signal,
      run: async (spec) => {
        stop.abort();
        return shop.run(spec);
      },
    },
  );
  expect(error.name).toBe('AbortError');
  expect(
    readdirSync(join(shop.store.root, 'snapshots')).filter((name) => name.startsWith('active')),
  ).toEqual([]);
  expect(() => getImage(shop.store, 'stopped')).toThrow('no such image: stopped:latest');
});

describe('the record', () => {
  test('says of each step whether it ran or was cached, the newest build first', async () => {
    const text = 'FROM base AS app\nCOPY a /\nRUN write b 1';
    await shop.build(text, { a: '1' }, { tags: ['named'] });
    const { id } = await shop.build(text);
    const cached = lastBuilds(shop.store).map(({ steps }) =>
      steps.filter(({ stage }) => stage === 'app').map((s) => `${s.instruction} ${s.cached}`),
    );
    expect(cached).toEqual([
      ['FROM base false', 'COPY a / true', 'RUN write b 1 true'],
      ['FROM base false', 'COPY a / false', 'RUN write b 1 false'],
    ]);
    expect(lastBuilds(shop.store)).toMatchObject([
      { image: id, tags: [] },
      { image: id, tags: ['named'] },
    ]);
  });

  test('of a build that failed names the step and why; only the last fifty are kept', async () => {
    await shop.failing('FROM base\nRUN fail 3');
    const [record] = lastBuilds(shop.store, 1);
    expect(record?.image).toBeNull();
    expect(record?.steps.at(-1)).toMatchObject({
      instruction: 'RUN fail 3',
      error: expect.stringContaining('exit code: 3'),
    });
    for (let n = 0; n < 55; n++) await shop.build('FROM base');
    expect(lastBuilds(shop.store)).toHaveLength(50);
  });
});

test('--no-cache-filter runs the named stage again and takes the others from the cache', async () => {
  const text = 'FROM base AS one\nRUN write a 1\nFROM one AS two\nRUN write b 1';
  await shop.build(text);
  await shop.build(text, {}, { noCacheFilter: ['TWO'] });
  expect(shop.ran.map(({ argv }) => argv.at(-1))).toEqual(['write a 1', 'write b 1', 'write b 1']);
});

test('a RUN that makes a path too long for anybody is an error at its line, and nothing is left', async () => {
  const levels = Array(9).fill('d'.repeat(250)).join('/');
  const run = async ({ snapshot: { upper } }: RunSpec) => {
    for (const name of ['a', 'b']) mkdirSync(join(upper, name, levels), { recursive: true });
    renameSync(join(upper, 'b'), join(upper, 'a', levels, 'b'));
    return 0;
  };
  const error = await shop.failing('FROM base\nRUN deeper', {}, { run });
  expect([error.code, error.message]).toEqual([
    'PATH_TOO_LONG',
    expect.stringContaining('Dockerfile:2:1: a path of more than 4096 bytes'),
  ]);
  expect(readdirSync(join(shop.store.root, 'tmp'))).toEqual([]);
});

test('SOURCE_DATE_EPOCH is the time of the config and of its history', async () => {
  const text = 'FROM scratch\nCOPY a /\nCMD ["a"]';
  const of = (said: string) => ({ buildArgs: { SOURCE_DATE_EPOCH: said } });
  const { config } = await shop.build(text, { a: '' }, of('86400'));
  const day = '1970-01-02T00:00:00.000Z';
  expect([config.created, ...config.history.map(({ created }) => created)]).toEqual([
    day,
    day,
    day,
  ]);
  const older = await shop.build(text, {}, of('0'));
  expect(older.config.created).toBe('1970-01-01T00:00:00.000Z');
  expect(await shop.failing(text, {}, of('today'))).toMatchObject({ code: 'EPOCH_INVALID' });
});
