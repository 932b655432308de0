// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { ARCHITECTURE } from '../image/index.ts';
import { imageOfFiles } from '../image/testing.ts';
import { parse } from './dockerfile/parse.ts';
import { planGraph } from './plan.ts';
import { imageKey, planStages } from './stages.ts';
import { openWorkshop, type Workshop } from './testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});
afterEach(() => shop.remove());

describe('stages', () => {
  test.each([
    [
      'FROM base AS a\nCOPY --from=a x /',
      'Dockerfile:2:1: circular dependency detected on stage: a',
    ],
    [
      'FROM base\nRUN --mount=target=/x,from=0 x',
      'Dockerfile:2:1: circular dependency detected on stage: 0',
    ],
    [
      'FROM base AS a\nCOPY --from=b x /\nFROM base AS b\nCOPY --from=a x /',
      'Dockerfile:2:1: circular dependency detected on stage: b',
    ],
    ['FROM base\nCOPY --from=3 x /', 'Dockerfile:2:1: invalid stage index 3'],
    [
      'FROM base AS x\nCOPY --from=y /a /b\nFROM base AS y\nCOPY a /a\nFROM x',
      'Dockerfile:2:1: cannot copy from stage "y", it needs to be defined before current stage "x"',
    ],
    [
      'FROM base\nRUN --mount=target=/x,from=1 x\nFROM base\nFROM base\nCOPY --from=0 a /b',
      'Dockerfile:2:1: cannot mount from stage "1", it needs to be defined before current stage "stage-0"',
    ],
  ])('%j is refused', async (text, message) => {
    const error = await shop.failing(text);
    expect(error).toMatchObject({ code: 'DOCKERFILE_INVALID', message });
    expect(error.hint).not.toBe('');
  });

  test('the order of those that are not needed does not matter, and thousands are no matter either', async () => {
    await shop.build('FROM base AS x\nCOPY --from=y /a /b\nFROM base AS y');
    const many = Array.from({ length: 20_000 }, (_, n) => `FROM s${n} AS s${n + 1}`);
    const dockerfile = parse({ name: 'x', text: ['FROM scratch AS s0', ...many].join('\n') });
    expect(planStages(dockerfile, {}).needed).toHaveLength(20_001);
  });

  test('a stage that is called as its image stands on the image', async () => {
    expect((await shop.build('FROM base AS base\nUSER x\nFROM base')).config.config.User).toBe('x');
  });
});

describe('ONBUILD', () => {
  test('is kept in the image, set off where that is a base, and then forgotten', async () => {
    const { config } = await shop.build(
      'FROM base\nONBUILD COPY a /from/\nONBUILD ENV K=$V\nONBUILD COPY <<E /h\nhi\nE\n',
      { a: '1' },
      { tags: ['parent'] },
    );
    expect(config.config.OnBuild).toEqual(['COPY a /from/', 'ENV K=$V', 'COPY <<E /h\nhi\nE\n']);
    const child = await shop.build('FROM parent\nRUN write b 2', { a: '2' });
    expect([child.file('from/a'), child.file('h')]).toEqual(['2', 'hi\n']);
    expect(child.config.config.OnBuild).toBeUndefined();
    expect(child.config.config.Env).toContain('K=');
  });

  test('may name images and stages that nobody named before', async () => {
    await imageOfFiles(shop.store, 'other', { f: 'other' });
    const onbuild = 'FROM base\nONBUILD COPY --from=other /f /f\nONBUILD COPY --from=tools /t /t';
    await shop.build(onbuild, {}, { tags: ['parent'] });
    const { file } = await shop.build('FROM base AS tools\nCOPY t /t\nFROM parent', { t: 't' });
    expect([file('f'), file('t')]).toEqual(['other', 't']);
  });

  test('of an earlier stage is set off too', async () => {
    const { file } = await shop.build('FROM base AS one\nONBUILD COPY a /a\nFROM one', { a: '1' });
    expect(file('a')).toBe('1');
  });

  test.each(['ONBUILD ONBUILD RUN x', 'ONBUILD FROM x', 'ONBUILD NOPE x', 'ONBUILD'])(
    '%s is refused',
    async (line) => {
      expect(await shop.failing(`FROM base\n${line}`)).toMatchObject({
        code: 'DOCKERFILE_INVALID',
      });
    },
  );
});

describe('ARG', () => {
  test('of the platform is there where it is declared, and always for FROM', async () => {
    const { config } = await shop.build(
      'FROM --platform=$BUILDPLATFORM base\nENV A=$TARGETOS\nARG TARGETOS TARGETSTAGE\nENV B=$TARGETOS C=$TARGETSTAGE',
    );
    expect(config.config.Env).toEqual(['PATH=/bin', 'A=', 'B=linux', 'C=default']);
  });

  test('sees those above it, not those beside it; ENV wins over it', async () => {
    const { config } = await shop.build(
      'FROM base\nARG A=1\nARG B=$A C=$B\nENV A=9\nENV R=$A-$B-$C',
    );
    expect(config.config.Env).toContain('R=9-1-');
  });
});

test('a heredoc with #! is a file that is executed itself', () => {
  const dockerfile = parse({ name: 'x', text: 'FROM a\nRUN <<-E\n\t#!/bin/node\n\t1\n\tE\n' });
  const { vertices } = planGraph(dockerfile, planStages(dockerfile, {}), { images: new Map() });
  expect(vertices.at(-1)?.op).toMatchObject({
    argv: ['/dev/pipes/E'],
    mounts: [{ type: 'script', target: '/dev/pipes/E', content: '#!/bin/node\n1\n' }],
  });
});

test('EXPOSE takes ranges and the words of a variable; STOPSIGNAL takes signals', async () => {
  const { config } = await shop.build(
    'FROM base\nARG P="80 443/udp"\nEXPOSE $P 9000-9001\nSTOPSIGNAL 9\nHEALTHCHECK --interval=0 CMD ["x"]',
  );
  expect(Object.keys(config.config.ExposedPorts ?? {})).toEqual([
    ...['80/tcp', '443/udp', '9000/tcp', '9001/tcp'],
  ]);
  expect(config.config).toMatchObject({
    StopSignal: '9',
    Healthcheck: { Interval: 0, Test: ['CMD', 'x'] },
  });
  const error = await shop.failing('FROM base\nSTOPSIGNAL NOPE');
  expect(error.message).toBe('Dockerfile:2:1: invalid signal: NOPE');
});

test('# check=error=true lets no Dockerfile with findings be built', async () => {
  const error = await shop.failing('# check=error=true\nFROM base\nENV A=$GOPTH');
  expect(error).toMatchObject({
    code: 'CHECK_FAILED',
    message: 'Dockerfile:3:1: lint violation found for rules: UndefinedVar',
  });
  await shop.build('# check=error=true\nFROM base\nENV A=$PATH');
});

test('MAINTAINER is the author of the image, and of those that stand on it', async () => {
  await shop.build('FROM base\nMAINTAINER me <me@example.com>', {}, { tags: ['mine'] });
  const { config } = await shop.build('FROM mine\nUSER x');
  expect([config.author, config.config.Labels]).toEqual(['me <me@example.com>', undefined]);
});

test('what is wrong with an instruction once its variables are put in says how it is written', async () => {
  const { hint } = await shop.failing('FROM base\nARG P=x\nEXPOSE $P');
  expect(hint).toStartWith('It is written EXPOSE 80');
});

describe('platforms', () => {
  const s390x = { os: 'linux', architecture: 's390x' };

  test('an image for another one is told so by its config and its ARGs', async () => {
    const { config, file } = await shop.build(
      'FROM scratch\nARG TARGETPLATFORM BUILDARCH\nCOPY <<a /\n$TARGETPLATFORM $BUILDARCH\na',
      {},
      { platform: s390x, tags: ['foreign'] },
    );
    expect([config.os, config.architecture]).toEqual(['linux', 's390x']);
    expect(file('a')).toBe(`linux/s390x ${ARCHITECTURE}\n`);
    const onIt = await shop.build('FROM --platform=linux/s390x foreign\nENV A=b');
    expect(onIt.config.architecture).toBe('s390x');
  });

  test('a stage is for the one that FROM names, else for that of the stage below it', () => {
    const stages = [
      'FROM --platform=$BUILDPLATFORM base AS tools',
      'FROM tools AS more',
      'FROM --platform=linux/arm/v7 base AS arm',
      'FROM base',
      ...['COPY --from=more / /a', 'COPY --from=arm / /b', 'COPY --from=other / /c'],
    ];
    const dockerfile = parse({ name: 'Dockerfile', text: stages.join('\n') });
    const { needed, images } = planStages(dockerfile, {}, { platform: s390x });
    const own = { os: 'linux', architecture: ARCHITECTURE };
    const arm = { os: 'linux', architecture: 'arm', variant: 'v7' };
    expect(needed.map(({ platform }) => platform)).toEqual([own, own, arm, s390x]);
    expect(images.map(imageKey).sort()).toEqual([
      ...['base', 'base linux/arm/v7', 'base linux/s390x', 'other linux/s390x'],
    ]);
  });

  test('a RUN whose programs cannot be run here is refused, where it is needed', async () => {
    const dockerfile = 'FROM scratch AS tools\nRUN make\nFROM scratch\nCOPY . /';
    const options = { platform: { os: 'windows', architecture: 'amd64' } };
    const error = await shop.failing(`${dockerfile}\nCOPY --from=tools / /`, {}, options);
    expect(error).toMatchObject({ code: 'PLATFORM_UNSUPPORTED', details: { line: 2 } });
    expect(error.hint).toContain('--platform=$BUILDPLATFORM');
    await shop.build(dockerfile, { a: '1' }, options);
  });

  test('what is none is refused, and an empty one is none that was said', async () => {
    const error = await shop.failing('FROM --platform=a//b base');
    expect(error).toMatchObject({ code: 'PLATFORM_INVALID', details: { line: 1 } });
    await shop.build('ARG NONE\nFROM --platform=$NONE base');
    await shop.build('FROM --platform=linux base');
  });
});
