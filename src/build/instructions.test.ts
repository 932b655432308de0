import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { imageOfFiles } from '../image/testing.ts';
import { parse } from './dockerfile/parse.ts';
import { planGraph } from './plan.ts';
import { planStages } from './stages.ts';
import { openWorkshop, type Workshop } from './testing.ts';

let shop: Workshop;

beforeEach(async () => {
  shop = await openWorkshop();
});

afterEach(() => shop.remove());

describe('instructions', () => {
  test('a whole Dockerfile gives files, config and history', async () => {
    const { file, config } = await shop.build(
      `ARG BASE=base
FROM \${BASE} AS app
ARG WHO=world
ENV GREETING="hello \${WHO}" EMPTY=
WORKDIR /app
COPY . .
RUN write app/made by run
USER node
EXPOSE 3000 53/udp
VOLUME /data
LABEL a=b "c d"='e f'
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1m30s --retries=3 CMD true
ENTRYPOINT ["node"]
CMD ["index.js"]
`,
      { 'index.js': 'hi', 'lib/a.js': 'a' },
    );
    expect([file('app/index.js'), file('app/lib/a.js'), file('app/made')]).toEqual([
      'hi',
      'a',
      'by run',
    ]);
    expect(config.config).toEqual({
      Env: ['PATH=/bin', 'GREETING=hello world', 'EMPTY='],
      Cmd: ['index.js'],
      WorkingDir: '/app',
      User: 'node',
      ExposedPorts: { '3000/tcp': {}, '53/udp': {} },
      Volumes: { '/data': {} },
      Labels: { a: 'b', 'c d': 'e f' },
      StopSignal: 'SIGINT',
      Healthcheck: { Interval: 90e9, Retries: 3, Test: ['CMD-SHELL', 'true'] },
      Entrypoint: ['node'],
    });
    expect(
      config.history.filter((entry) => entry.empty_layer !== true).map((e) => e.created_by),
    ).toEqual(['a test', 'WORKDIR /app', 'COPY . .', 'RUN /bin/sh -c write app/made by run']);
    expect(config.rootfs.diff_ids).toHaveLength(4);
  });

  test('RUN gets argv, environment, directory, user and network', async () => {
    await shop.build(
      'FROM base\nARG V=1\nENV V2=2\nWORKDIR /w\nUSER node:staff\nRUN --network=none ["true", "$V"]',
    );
    expect(shop.ran[0]).toMatchObject({
      argv: ['true', '$V'],
      env: ['PATH=/bin', 'V2=2', 'V=1'],
      cwd: '/w',
      user: 'node:staff',
      network: 'none',
    });
  });

  test('what WORKDIR makes is the USER’s; who is not in the image is root there', async () => {
    const { stat } = await shop.build(
      `FROM base
WORKDIR /before
USER node
WORKDIR /a/b
USER 7
WORKDIR /n
USER node:staff
WORKDIR /bin
WORKDIR g
USER who:staff
WORKDIR /w
USER node:which
WORKDIR /x`,
    );
    expect(['before', 'a', 'a/b', 'n', 'bin', 'bin/g', 'w', 'x'].map(stat)).toEqual([
      ...['0:0 755', '1000:1001 755', '1000:1001 755', '7:7 755', '0:0 755', '1000:50 755'],
      ...['0:50 755', '1000:1001 755'],
    ]);
  });

  test('ENTRYPOINT forgets the CMD of the base, also of an earlier stage, but not its own', async () => {
    expect((await shop.build('FROM base\nENTRYPOINT ["x"]')).config.config.Cmd).toBeUndefined();
    expect((await shop.build('FROM base\nCMD ["y"]\nENTRYPOINT ["x"]')).config.config.Cmd).toEqual([
      'y',
    ]);
    const earlier = 'FROM scratch AS a\nCMD ["a"]\nFROM a\nENTRYPOINT ["e"]';
    expect((await shop.build(earlier)).config.config).toEqual({ Entrypoint: ['e'] });
    const own = await shop.build(`${earlier}\nCMD ["b"]\nENTRYPOINT ["f"]`);
    expect(own.config.config).toEqual({ Cmd: ['b'], Entrypoint: ['f'] });
  });

  test('an ARG before FROM is seen in a stage only where it is declared again', async () => {
    const text = 'ARG V=1\nFROM base AS a\nRUN write one\nARG V\nRUN write two';
    await shop.build(text);
    expect(shop.ran.map(({ env }) => env.includes('V=1'))).toEqual([false, true]);
    await shop.build(text, {}, { buildArgs: { V: '9' } });
    expect(shop.ran.at(-1)?.env).toContain('V=9');
  });

  test('what a stage adds to its config is not seen by those who stand on the same base', async () => {
    const { store } = shop;
    const config = { Env: ['A=1', 'B', 'A=2'], Labels: { a: '1' }, Volumes: { '/a': {} } };
    await imageOfFiles(store, 'full', {}, config);
    const more =
      'ENV A=3 C=$A\nENV A=$A$C\nARG X=1\nARG X=2 Y=$X\nLABEL __proto__=p\nLABEL a=$Y b=2';
    const text = `FROM full AS one\n${more}\nVOLUME /b\nFROM one AS two\nENV D=4\nLABEL c=3\n`;
    const built = await shop.build(`${text}FROM one\nLABEL d=4`);
    expect(built.config.config).toMatchObject({
      Env: ['A=32', 'B=', 'C=2'],
      Volumes: { '/a': {}, '/b': {} },
    });
    expect(JSON.stringify(built.config.config.Labels)).toBe(
      '{"a":"1","__proto__":"p","b":"2","d":"4"}',
    );
    expect((await shop.build('FROM full\nUSER 1')).config.config).toMatchObject(config);
  });

  test('heredocs are scripts for RUN and files for COPY', async () => {
    const { file } = await shop.build(
      'FROM base\nENV X=1\nRUN <<EOF\nwrite made it\nEOF\nCOPY <<one <<"two" /etc/\n$X "q"\none\n$X\ntwo\n',
    );
    expect(shop.ran[0]?.argv).toEqual(['/bin/sh', '-c', 'write made it\n']);
    expect([file('etc/one'), file('etc/two')]).toEqual(['1 "q"\n', '$X\n']);
  });

  test('FROM scratch begins with nothing', async () => {
    const { file, config } = await shop.build('FROM scratch\nCOPY a /\nCMD ["/a"]', { a: '1' });
    expect([file('a'), file('etc')]).toEqual(['1', undefined]);
    expect(config.rootfs.diff_ids).toHaveLength(1);
  });
});

test('a mount makes the stage that it names an input, counted by its place among them', () => {
  const dockerfile = parse({
    name: 'Dockerfile',
    text: `FROM scratch AS a
WORKDIR /a
FROM scratch AS unused
FROM scratch
WORKDIR /w
RUN --mount=target=x,from=a --mount=type=cache,target=/c,from=img --mount=target=/y,from=a \\
  --mount=target=/ctx --security=insecure make`,
  });
  const planned = planStages(dockerfile, {});
  expect([planned.needed.map(({ index }) => index), planned.images]).toEqual([
    [0, 2],
    [{ kind: 'image', reference: 'img' }],
  ]);
  const { vertices } = planGraph(dockerfile, planned, { images: new Map() });
  const run = vertices.at(-1);
  const ops = run?.inputs.map((id) => vertices.find((vertex) => vertex.id === id)?.op);
  expect(ops).toMatchObject([{ path: '/w' }, { path: '/a' }, { reference: 'img' }]);
  expect(run?.op).toMatchObject({
    security: 'insecure',
    mounts: [
      { target: '/w/x', from: 1 },
      { target: '/c', from: 2 },
      { target: '/y', from: 1 },
      { target: '/ctx', from: 'context' },
    ],
  });
});
