import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import type { ClocheError } from '../../error.ts';
import { saveImages } from '../../image/archive/index.ts';
import { imageOfFiles, writeFiles } from '../../image/testing.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { nameOfContext, parseNamedContext, withNamedContexts } from './named.ts';

let shop: Workshop;
let directory: string;

beforeAll(async () => {
  shop = await openWorkshop();
  directory = mkdtempSync(join(tmpdir(), 'cloche-named-'));
  writeFiles(directory, { a: 'from a directory', 'sub/b': 'b', '.dockerignore': 'hidden\n' });
  writeFiles(directory, { hidden: 'not for builds' });
  await imageOfFiles(shop.store, 'other', { which: 'other' }, { Env: ['IS=other'] });
});

afterAll(() => {
  shop.remove();
  rmSync(directory, { recursive: true });
});

/** Builds with these contexts. */
function build(dockerfile: string, ...contexts: string[]) {
  const options = { stdin: new Blob([]).stream(), signal: new AbortController().signal };
  return withNamedContexts(shop.store, contexts, options, (places) =>
    shop.build(dockerfile, {}, { contexts: places }),
  );
}

describe('a named context', () => {
  test('is a directory that COPY takes from, less what its .dockerignore names', async () => {
    const built = await build('FROM scratch\nCOPY --from=src . /in/', `src=${directory}`);
    expect(built.file('in/a')).toBe('from a directory');
    expect(built.file('in/sub/b')).toBe('b');
    expect(built.stat('in/a')).toBe('0:0 644');
    expect(built.file('in/hidden')).toBeUndefined();
  });

  test('is a directory that FROM stands on', async () => {
    const built = await build('FROM Src\nRUN write c done', `src=${directory}`);
    expect([built.file('a'), built.file('c')]).toEqual(['from a directory', 'done']);
  });

  test('is cached by its content', async () => {
    const dockerfile = 'FROM scratch\nCOPY --from=src a /again';
    await build(dockerfile, `src=${directory}`);
    const again = await build(dockerfile, `src=${directory}`);
    expect(again.steps.filter((line) => line.endsWith(' done') && /COPY/.test(line))).toEqual([]);
    writeFiles(directory, { a: 'changed' });
    expect((await build(dockerfile, `src=${directory}`)).file('again')).toBe('changed');
  });

  test('is an image in place of the one that FROM names, also by another spelling', async () => {
    const built = await build(
      'FROM docker.io/library/nowhere:latest\nCOPY --from=nowhere /which /copied',
      'nowhere=docker-image://other',
    );
    expect(built.file('copied')).toBe('other');
    expect(built.config.config.Env).toEqual(['IS=other']);
  });

  test('wins over a stage of that name', async () => {
    const dockerfile = 'FROM base AS build\nRUN write a stage\nFROM scratch\nCOPY --from=build a /';
    expect((await build(dockerfile)).file('a')).toBe('stage');
    writeFiles(directory, { a: 'context' });
    const built = await build(dockerfile, `build=${directory}`);
    expect(built.file('a')).toBe('context');
    expect(built.steps.some((line) => line.includes('RUN'))).toBe(false);
  });

  test('is an archive, unpacked while the build lasts', async () => {
    const archive = join(tmpdir(), `cloche-named-${process.pid}.tar.gz`);
    await $`tar czf ${archive} -C ${directory} sub`.quiet();
    const built = await build('FROM scratch\nCOPY --from=src sub/b /', `src=${archive}`);
    expect(built.file('b')).toBe('b');
    rmSync(archive);
  });

  test('is an image in a directory in OCI layout, by its tag or as the only one', async () => {
    const layout = join(directory, 'layout');
    mkdirSync(layout);
    const archive = join(directory, 'layout.tar');
    const pieces = saveImages(shop.store, ['other'], 'oci');
    await Bun.write(archive, new Blob(await Array.fromAsync(pieces)));
    await $`tar xf ${archive} -C ${layout}`.quiet();
    for (const source of [layout, `${layout}:latest`]) {
      const built = await build('FROM src\nRUN write c done', `src=oci-layout://${source}`);
      expect([built.file('which'), built.file('c')]).toEqual(['other', 'done']);
    }
    const missing = await build('FROM src', `src=oci-layout://${layout}:v9`).catch((e) => e);
    expect(missing).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });
});

test.each([
  ['src', 'expected key=value'],
  ['=a', 'expected key=value'],
  ['a=', 'expected key=value'],
  ['a=target:x', undefined],
  ['a=input://x', 'unsupported context source input'],
])('--build-context %p', (text, message) => {
  let said: string | undefined;
  try {
    parseNamedContext(text);
  } catch (error) {
    said = (error as ClocheError).message;
  }
  if (message === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(message);
});

test('names are compared as references, and without case', () => {
  expect(nameOfContext('Alpine')).toBe(nameOfContext('docker.io/library/alpine:latest'));
  expect(nameOfContext('alpine:3.20')).not.toBe(nameOfContext('alpine'));
  expect(nameOfContext('My Files')).toBe('my files');
});

test('a directory that is not there', async () => {
  const error = await build('FROM src', 'src=/nowhere/at/all').catch((e) => e);
  expect(error).toMatchObject({ code: 'CONTEXT_NOT_FOUND' });
});
