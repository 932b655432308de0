import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClocheError } from '../error.ts';
import { configOf, find, getImage, readNode, type Store, treeOf } from '../image/index.ts';
import { type Files, imageOfFiles, temporaryStore, writeFiles } from '../image/testing.ts';
import { type BuildOptions, buildImage } from './build.ts';
import type { BuildEvent } from './progress.ts';
import type { RunSpec } from './run.ts';

let store: Store;
let removeStore: () => void;
let context: string;
let ran: RunSpec[];

beforeEach(async () => {
  ({ store, remove: removeStore } = temporaryStore());
  context = mkdtempSync(join(tmpdir(), 'cloche-context-'));
  ran = [];
  await imageOfFiles(
    store,
    'base',
    {
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\n',
      'etc/group': 'root:x:0:\nnode:x:1001:\nstaff:x:50:\n',
      'bin/sh': { mode: 0o755, content: 'no shell' },
    },
    { Env: ['PATH=/bin'], Cmd: ['sh'] },
  );
});

afterEach(() => {
  removeStore();
  rmSync(context, { recursive: true });
});

/** Stands in for a container: `write PATH TEXT`, `rm`, `fail CODE`, each a word list. */
async function run(spec: RunSpec): Promise<number> {
  ran.push(spec);
  const [verb, path = '', ...rest] = (spec.argv.at(-1) ?? '').split(' ');
  spec.onOutput('stdout', Buffer.from(`${verb} ${path}\n`));
  if (verb === 'fail') return Number(path);
  if (verb === 'write') writeFiles(spec.snapshot.upper, { [path]: rest.join(' ') });
  return 0;
}

interface Built {
  readonly file: (path: string) => string | undefined;
  readonly stat: (path: string) => string | undefined;
  readonly config: ReturnType<typeof configOf>;
  readonly id: string;
  readonly steps: string[];
}

async function build(
  dockerfile: string,
  files: Files = {},
  options: Partial<BuildOptions> = {},
): Promise<Built> {
  writeFiles(context, { ...files, Dockerfile: dockerfile });
  const events: BuildEvent[] = [];
  const image = await buildImage(store, {
    context,
    run,
    onEvent: (e) => events.push(e),
    ...options,
  });
  const tree = treeOf(store, image.chainId);
  const names = new Map(events.flatMap((e) => (e.kind === 'begin' ? [[e.step, e.name]] : [])));
  return {
    id: image.id,
    config: configOf(store, image),
    file: (path) => {
      const node = find(tree, path, { follow: false });
      return node?.kind === 'file' ? readNode(tree, node).toString() : (node?.target ?? node?.kind);
    },
    stat: (path) => {
      const { uid, gid, mode } = find(tree, path, { follow: false })?.stat ?? {};
      return uid === undefined ? undefined : `${uid}:${gid} ${(Number(mode) & 0o7777).toString(8)}`;
    },
    steps: events
      .flatMap(({ kind, step }) =>
        kind === 'done' || kind === 'cached' ? [`${names.get(step)} ${kind}`] : [],
      )
      .filter((line) => line.startsWith('[') && !line.includes('internal')),
  };
}

const failing = (dockerfile: string, files: Files = {}, options: Partial<BuildOptions> = {}) =>
  build(dockerfile, files, options).then(
    () => {
      throw new Error('the build succeeded');
    },
    (error: ClocheError) => error,
  );

describe('instructions', () => {
  test('a whole Dockerfile gives files, config and history', async () => {
    const { file, config } = await build(
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
    await build(
      'FROM base\nARG V=1\nENV V2=2\nWORKDIR /w\nUSER node:staff\nRUN --network=none ["true", "$V"]',
    );
    expect(ran[0]).toMatchObject({
      argv: ['true', '$V'],
      env: ['PATH=/bin', 'V2=2', 'V=1'],
      cwd: '/w',
      user: 'node:staff',
      network: 'none',
    });
  });

  test('ENTRYPOINT forgets the CMD of the base, but not its own', async () => {
    expect((await build('FROM base\nENTRYPOINT ["x"]')).config.config.Cmd).toBeUndefined();
    expect((await build('FROM base\nCMD ["y"]\nENTRYPOINT ["x"]')).config.config.Cmd).toEqual([
      'y',
    ]);
  });

  test('an ARG before FROM is seen in a stage only where it is declared again', async () => {
    const text = 'ARG V=1\nFROM base AS a\nRUN write one\nARG V\nRUN write two';
    await build(text);
    expect(ran.map(({ env }) => env.includes('V=1'))).toEqual([false, true]);
    await build(text, {}, { buildArgs: { V: '9' } });
    expect(ran.at(-1)?.env).toContain('V=9');
  });

  test('heredocs are scripts for RUN and files for COPY', async () => {
    const { file } = await build(
      'FROM base\nENV X=1\nRUN <<EOF\nwrite made it\nEOF\nCOPY <<one <<"two" /etc/\n$X "q"\none\n$X\ntwo\n',
    );
    expect(ran[0]?.argv).toEqual(['/bin/sh', '-c', 'write made it\n']);
    expect([file('etc/one'), file('etc/two')]).toEqual(['1 "q"\n', '$X\n']);
  });

  test('FROM scratch begins with nothing', async () => {
    const { file, config } = await build('FROM scratch\nCOPY a /\nCMD ["/a"]', { a: '1' });
    expect([file('a'), file('etc')]).toEqual(['1', undefined]);
    expect(config.rootfs.diff_ids).toHaveLength(1);
  });
});

describe('COPY', () => {
  test('files belong to root, --chown and --chmod decide otherwise, parents too', async () => {
    const { stat } = await build(
      'FROM base\nCOPY a /new/\nCOPY --chown=node --chmod=700 a d /own/\nCOPY --chown=5:staff a /b',
      { a: { mode: 0o640, content: '' }, 'd/x': '' },
    );
    expect(stat('new')).toBe('0:0 755');
    expect(stat('new/a')).toBe('0:0 640');
    expect([stat('own'), stat('own/a'), stat('own/x')]).toEqual([
      '1000:1001 755',
      '1000:1001 700',
      '1000:1001 700',
    ]);
    expect(stat('b')).toBe('5:50 640');
  });

  test('a directory that is written into keeps its owner, mode and time', async () => {
    await build(
      'FROM base AS a\nCOPY --chown=7:8 --chmod=750 x /',
      { 'x/d/f': '' },
      { tags: ['two'] },
    );
    const { stat } = await build('FROM two\nCOPY a /d/', { a: '1' });
    expect(stat('d')).toBe('7:8 750');
    expect(stat('d/f')).toBe('7:8 750');
    expect(stat('d/a')).toBe('0:0 644');
  });

  test('wildcards, and one that matches nothing beside one that does', async () => {
    const { file } = await build('FROM base\nCOPY p*.json nope*.json [ab].t? s/*/x /w/', {
      'package.json': 'p',
      'a.tx': 'a',
      'b.ty': 'b',
      'c.tx': 'c',
      's/1/x': '1',
      's/2/y': '2',
    });
    expect(['package.json', 'a.tx', 'b.ty', 'c.tx', 'x'].map((name) => file(`w/${name}`))).toEqual([
      'p',
      'a',
      'b',
      undefined,
      '1',
    ]);
  });

  test('links inside a copied directory stay links, a link that is named is followed', async () => {
    const { file } = await build('FROM base\nCOPY d /d\nCOPY l /l', {
      'd/abs': '-> /etc/passwd',
      'd/rel': '-> ../x',
      l: '-> real',
      real: 'content',
    });
    expect([file('d/abs'), file('d/rel'), file('l')]).toEqual(['/etc/passwd', '../x', 'content']);
  });

  test('.dockerignore hides files, exceptions bring them back, the Dockerfile’s own wins', async () => {
    const files = {
      '.dockerignore': 'node_modules\n*.md\n!keep.md\n',
      'node_modules/m': '',
      'a.md': '',
      'keep.md': 'k',
      'A.MD': 'A',
    };
    const one = await build('FROM base\nCOPY . /c/', files);
    expect(
      ['node_modules', 'a.md', 'keep.md', 'A.MD'].map((name) => one.file(`c/${name}`)),
    ).toEqual([undefined, undefined, 'k', 'A']);
    const two = await build('FROM base\nCOPY . /c/', { 'Dockerfile.dockerignore': 'keep.md' });
    expect([two.file('c/a.md'), two.file('c/keep.md')]).toEqual(['', undefined]);
  });

  test('--from a stage keeps owners; --from an image works without a stage', async () => {
    const { file, stat } = await build(
      'FROM base AS one\nCOPY --chown=node a /made/\nFROM scratch\nCOPY --from=one /made /m\nCOPY --from=base /etc/passwd /p',
      { a: '1' },
    );
    expect([file('m/a'), stat('m/a'), file('p')?.slice(0, 4)]).toEqual([
      '1',
      '1000:1001 644',
      'root',
    ]);
  });

  test('a missing source and a bad owner are errors at their line', async () => {
    const missing = await failing('FROM base\n\nCOPY nope /x');
    expect(missing).toMatchObject({ code: 'COPY_SOURCE_NOT_FOUND', details: { line: 3 } });
    expect(missing.message).toBe('Dockerfile:3:1: "/nope": not found');
    const owner = await failing('FROM base\nCOPY --chown=nobody a /', { a: '' });
    expect(owner).toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  test('a file cannot replace a directory, nor a directory a file', async () => {
    expect(await failing('FROM base\nCOPY d /', { 'd/etc': 'file' })).toMatchObject({
      code: 'COPY_CONFLICT',
    });
    expect(await failing('FROM base\nCOPY e /', { 'e/bin/sh/x': '' })).toMatchObject({
      code: 'COPY_CONFLICT',
    });
  });
});

describe('a hostile image', () => {
  const outside = join(tmpdir(), `cloche-outside-${process.pid}`);

  test.each([
    ['absolute', outside],
    ['relative', `../../../../../../../../../..${outside}`],
  ])('cannot lead COPY out of its root by an %s link', async (_, target) => {
    await imageOfFiles(store, 'hostile', {
      dir: `-> ${target}`,
      file: `-> ${target}/f`,
      loop: '-> loop',
    });
    const { file } = await build('FROM hostile\nCOPY a /dir/\nCOPY a /file', { a: '1' });
    expect(() => lstatSync(outside)).toThrow();
    expect([file(`${outside}/a`), file(`${outside}/f`)]).toEqual(['1', '1']);
  });

  test('cannot lead COPY --from out of its root, nor into a loop', async () => {
    writeFiles(outside, { secret: 'secret' });
    await imageOfFiles(store, 'hostile', { in: `-> ${outside}`, loop: '-> loop/x' });
    expect(await failing('FROM base\nCOPY --from=hostile /in/secret /')).toMatchObject({
      code: 'COPY_SOURCE_NOT_FOUND',
    });
    expect(await failing('FROM base\nCOPY --from=hostile /loop /')).toMatchObject({
      code: 'LINK_LOOP',
    });
    rmSync(outside, { recursive: true });
  });

  test('nor can a link in the build context', async () => {
    expect(
      await failing('FROM base\nCOPY l /', { l: '-> ../../../../../../etc/passwd' }),
    ).toMatchObject({
      code: 'COPY_SOURCE_NOT_FOUND',
    });
  });
});

describe('the cache', () => {
  const text = 'FROM base\nCOPY a /\nRUN write b 1';

  test('a second build runs nothing and gives the same image', async () => {
    const first = await build(text, { a: '1' });
    const second = await build(text);
    expect(second.id).toBe(first.id);
    expect(ran).toHaveLength(1);
    expect(second.steps).toEqual([
      '[1/3] FROM base done',
      '[2/3] COPY a / cached',
      '[3/3] RUN write b 1 cached',
    ]);
  });

  test('a changed time does not break it, a changed mode or content does', async () => {
    await build(text, { a: '1' });
    utimesSync(join(context, 'a'), 1, 1);
    expect((await build(text)).steps.at(-1)).toEndWith('cached');
    chmodSync(join(context, 'a'), 0o755);
    expect((await build(text)).steps.slice(1)).toEqual([
      '[2/3] COPY a / done',
      '[3/3] RUN write b 1 done',
    ]);
    writeFileSync(join(context, 'a'), '2');
    expect((await build(text)).steps.at(-1)).toEndWith('done');
  });

  test('what is copied later does not break what ran before', async () => {
    const ordered = 'FROM base\nCOPY package.json /\nRUN write modules x\nCOPY . /';
    await build(ordered, { 'package.json': '{}', 'index.js': '1' });
    await build(ordered, { 'index.js': '2' });
    expect(ran).toHaveLength(1);
  });

  test('an ARG that RUN sees is part of it, --no-cache goes around it', async () => {
    const withArg = 'FROM base\nARG V\nRUN write v';
    for (const V of ['1', '2', '1']) await build(withArg, {}, { buildArgs: { V } });
    expect(ran).toHaveLength(2);
    await build(withArg, {}, { buildArgs: { V: '1' }, noCache: true });
    expect(ran).toHaveLength(3);
  });

  test('COPY --from is keyed by what is copied, not by how it was made', async () => {
    const stages = (n: string) =>
      `FROM base AS one\nRUN write out same ${n}\nFROM base\nCOPY --from=one /etc /e\nRUN write x 1`;
    await build(stages('1'));
    const { steps } = await build(stages('2'));
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
    await build(text, {}, { target: 'C' });
    expect(ran.map(({ argv }) => argv.at(-1))).toEqual(['write a 1', 'write c 1']);
  });

  test('an unknown target names the one that was meant', async () => {
    const error = await failing('FROM base AS build', {}, { target: 'biuld' });
    expect(error).toMatchObject({ code: 'STAGE_NOT_FOUND' });
    expect(error.hint).toContain('Did you mean build?');
  });

  test('when one fails the others stop and nothing is left', async () => {
    const error = await failing(
      'FROM base AS a\nRUN fail 3\nFROM base AS b\nRUN write b 1\nFROM base\nCOPY --from=a / /\nCOPY --from=b / /',
    );
    expect(error.message).toBe(
      'Dockerfile:2:1: process "/bin/sh -c fail 3" did not complete successfully: exit code: 3',
    );
    expect(error.hint).toContain('fail 3');
    expect(error.hint).toContain('   2 | >>> RUN fail 3');
    expect(error.details).toMatchObject({ exitCode: 3, output: ['fail 3'] });
    expect(
      readdirSync(join(store.root, 'snapshots')).filter((name) => name.startsWith('active')),
    ).toEqual([]);
    expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
  });
});

test('a build that is stopped leaves no active snapshot and no image', async () => {
  const stop = new AbortController();
  const error = await failing(
    'FROM base\nRUN write a 1',
    {},
    {
      tags: ['stopped'],
      signal: stop.signal,
      run: async (spec) => {
        stop.abort();
        return run(spec);
      },
    },
  );
  expect(error.name).toBe('AbortError');
  expect(
    readdirSync(join(store.root, 'snapshots')).filter((name) => name.startsWith('active')),
  ).toEqual([]);
  expect(() => getImage(store, 'stopped')).toThrow('no such image: stopped:latest');
});

test('times of copied files are those of the context', async () => {
  writeFiles(context, { a: '', Dockerfile: 'FROM scratch\nCOPY a /' });
  utimesSync(join(context, 'a'), 1_000_000, 1_000_000.5);
  const image = await buildImage(store, { context, run });
  const node = find(treeOf(store, image.chainId), 'a');
  expect(node?.stat.mtimeNs).toBe(1_000_000_500_000_000n);
  expect(statSync(join(context, 'a')).mtimeMs).toBe(1_000_000_500);
});
