// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { configOf, getImage, writeImage } from '../image/index.ts';
import { parseReference } from '../image/reference.ts';
import { writeFiles } from '../image/testing.ts';
import { checkDockerfile } from './check.ts';
import type { DryOptions } from './dry-plan.ts';
import { openWorkshop, type Workshop } from './testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

async function check(dockerfile: string, options: DryOptions = {}) {
  writeFiles(shop.context, { Dockerfile: dockerfile });
  const { warnings, error } = await checkDockerfile(shop.store, {
    context: shop.context,
    ...options,
  });
  return { rules: warnings.map(({ line, rule }) => `${line} ${rule}`), error: error?.message };
}

test('a base image that is here says which variables are set', async () => {
  expect(await check('FROM base\nENV X=$BAR')).toEqual({
    rules: ['2 UndefinedVar'],
    error: undefined,
  });
  expect((await check('FROM base\nENV X=$PATH')).rules).toEqual([]);
  expect((await check('FROM elsewhere.invalid/it\nENV X=$BAR')).rules).toEqual([]);
});

test('a base image of another machine is called by its platform', async () => {
  const config = configOf(shop.store, getImage(shop.store, 'base'));
  writeImage(shop.store, { ...config, architecture: 's390x' }, [parseReference('theirs:1')]);
  expect((await check('FROM theirs:1')).rules).toEqual(['1 InvalidBaseImagePlatform']);
  expect((await check('FROM base')).rules).toEqual([]);
});

test.each([
  ['STOPSIGNAL FOO', 'invalid signal: FOO'],
  ['EXPOSE 70000', 'invalid containerPort: 70000'],
  ['RUN --mount=type=cahce,target=/x true', 'unsupported mount type "cahce"'],
  ['ENV A=${B:?}', 'B: is not allowed to be unset'],
  ['COPY --chmod=999 a /', 'invalid chmod parameter'],
  ['COPY --from=7 a /', 'invalid stage index 7'],
  ['RUN --network=host x', 'network.host is not allowed'],
  ['FROM Nope', 'must be lowercase'],
])('what a build would refuse is refused: %s', async (line, message) => {
  const { error } = await check(`FROM base\n${line}`);
  expect(error).toStartWith('Dockerfile:2:1: ');
  expect(error).toContain(message);
});

test('what an unknown base image may allow is not refused, and what it cannot is', async () => {
  const from = 'FROM elsewhere.invalid/it\n';
  expect((await check(`${from}ENV A=\${B:?}`)).error).toBeUndefined();
  expect((await check(`${from}STOPSIGNAL FOO`)).error).toContain('invalid signal');
});

test('it is the build that would be done: with its target, arguments and rights', async () => {
  const text = 'FROM base AS one\nARG B\nENV A=${B:?}\nFROM base\nRUN --network=host x';
  expect((await check(text)).error).toContain('network.host');
  expect((await check(text, { allow: ['network.host'] })).error).toBeUndefined();
  expect((await check(text, { target: 'one' })).error).toContain('B: is not allowed');
  const given = { target: 'one', buildArgs: { B: '1' } };
  expect((await check(text, given)).error).toBeUndefined();
});
