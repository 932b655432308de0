import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildScene, output } from './builds.ts';

const { root, context, build, layers, newLayers } = buildScene();

test('a cache stays from build to build, begins with from=, and is in no layer', async () => {
  const directory = context(
    `FROM debian:bookworm AS seed
RUN mkdir /seed && echo seeded > /seed/s
FROM debian:bookworm
ARG N
RUN --mount=type=cache,target=/c,from=seed,source=/seed,uid=7,mode=0700 echo $N >> /c/n; cat /c/s /c/n; stat -c %u:%a /c`,
  );
  expect(output((await build(directory, '--build-arg=N=1')).said)).toEqual([
    'seeded',
    '1',
    '7:700',
  ]);
  const before = layers();
  const second = await build(directory, '--build-arg=N=2');
  expect(output(second.said)).toEqual(['seeded', '1', '2', '7:700']);
  expect(newLayers(before).flat()).toEqual([]);
});

test('caches of one id with other owners or modes are others', async () => {
  const line = (flags: string) =>
    `RUN --mount=type=cache,id=dressed,target=/c${flags} stat -c %u:%g:%a /c; touch /c/${flags.length}; ls /c`;
  const locked = (flags: string) => `--mount=type=cache,id=two,sharing=locked,target=${flags}`;
  const { code, said } = await build(
    context(
      [
        'FROM debian:bookworm',
        ...['', ',uid=7', ',gid=8', ',mode=0700', ',uid=0,gid=0,mode=0755'].map(line),
      ]
        .concat(
          `RUN ${locked('/a,uid=1')} ${locked('/b,uid=2')} ${locked('/d,uid=1')} stat -c %u /a /b /d`,
        )
        .join('\n'),
    ),
  );
  expect([code, output(said)]).toEqual([
    0,
    [
      ...['0:0:755', '0', '7:0:755', '6', '0:8:755', '6', '0:0:700', '10'],
      ...['0:0:755', '0', '22', '1', '2', '1'],
    ],
  ]);
});

test('a locked cache is had by one RUN at a time, a private one by each alone', async () => {
  const each = (sharing: string) => `FROM debian:bookworm AS a-${sharing}
RUN --mount=type=cache,id=${sharing},target=/c,sharing=${sharing} mkdir /c/mine && sleep 0.7 && rmdir /c/mine && touch /a
FROM debian:bookworm AS b-${sharing}
RUN --mount=type=cache,id=${sharing},target=/c,sharing=${sharing} mkdir /c/mine && sleep 0.7 && rmdir /c/mine && touch /b
FROM a-${sharing}
COPY --from=b-${sharing} /b /b`;
  expect((await build(context(each('locked')))).code).toBe(0);
  expect((await build(context(each('private')))).code).toBe(0);
  expect((await build(context(each('shared')))).said).toContain('File exists');
}, 30_000);

test('of the state directory only caches are left by them', () => {
  expect(readdirSync(join(root(), 'tmp'))).toEqual([]);
  expect(readdirSync(join(root(), 'cache/mounts')).length).toBeGreaterThan(5);
});
