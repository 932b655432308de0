import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { $ } from 'bun';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche, PROGRAM } from './cli.ts';

/** With SOURCE_DATE_EPOCH, an image is a function of its input: on any machine, at any time. */
let root = '';
let removeRoot = () => {};
let scratch = '';

/** 2024-01-01 */
const EPOCH = 1_704_067_200;

beforeAll(async () => {
  ({ root, remove: removeRoot } = await freshBaseRoot());
  scratch = mkdtempSync(join(tmpdir(), 'cloche-reproducible-'));
}, BASE_TIMEOUT);

afterAll(() => {
  removeRoot();
  rmSync(scratch, { recursive: true });
});

const DOCKERFILE = `FROM debian:bookworm AS first
ARG SOURCE_DATE_EPOCH
WORKDIR /made/here
RUN for n in z m a q; do echo $n > $n; done; mkdir -p deep/er; ln -s x deep/er/l; ln m hard; \
    touch -d 2001-02-03 old; rm /etc/issue; echo $SOURCE_DATE_EPOCH > epoch; date > /etc/not-copied
COPY . /context/
ADD archive.tar /unpacked/
COPY --chmod=0755 <<end /inline
text
end
FROM debian:bookworm
RUN --mount=type=bind,target=/ctx cp /ctx/sub/b /copied; chown 7:7 /copied; setfattr -n user.b -v 1 /copied || true
COPY --from=first /made /made
COPY --link --from=first /context /unpacked /inline /and/
`;

/** The same content, made in another order and at other times. */
async function contextOf(name: string, files: readonly string[], times: readonly number[]) {
  const context = join(scratch, name);
  mkdirSync(context);
  for (const [i, file] of files.entries()) {
    mkdirSync(join(context, file, '..'), { recursive: true });
    writeFileSync(join(context, file), `content of ${file}`);
    const time = times[i];
    if (time !== undefined) utimesSync(join(context, file), time, time);
  }
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  await $`cp -a ${scratch}/archive.tar ${context}`;
  return context;
}

async function archive(): Promise<void> {
  await $`mkdir ${scratch}/tree; echo o > ${scratch}/tree/old; echo n > ${scratch}/tree/new`;
  utimesSync(join(scratch, 'tree/old'), EPOCH - 1e8, EPOCH - 1e8);
  utimesSync(join(scratch, 'tree/new'), EPOCH + 1e8, EPOCH + 1e8);
  await $`tar -cf ${scratch}/archive.tar -C ${scratch}/tree .`;
}

const build = (context: string, digests: string, ...flags: string[]) => [
  ...['build', '-q', '--network=none', '-t', 'made', '--metadata-file', digests, ...flags, context],
];

function digestIn(file: string): string {
  return JSON.parse(readFileSync(file, 'utf8'))['containerimage.digest'];
}

test('two machines make one image of the same input, whenever its files were made', async () => {
  await archive();
  const one = await contextOf('one', ['a', 'sub/b', 'c'], [EPOCH - 86_400, EPOCH + 86_400]);
  const first = join(scratch, 'first');
  const epoch = ['--build-arg', `SOURCE_DATE_EPOCH=${EPOCH}`];
  const built = await cloche(root, build(one, first, ...epoch));
  expect([built.code, built.err]).toEqual([0, '']);

  // The other has its state in memory, where directories are in another order.
  const other = join(scratch, 'other');
  mkdirSync(other);
  const two = await contextOf('two', ['c', 'sub/b', 'a'], [EPOCH - 10, EPOCH - 20]);
  await Bun.sleep(1100);
  const second = join(scratch, 'second');
  const script = `mount -t tmpfs none ${other} && cp -a ${root}/. ${other} && exec "$@"`;
  const child = Bun.spawn(
    ['unshare', '-m', 'sh', '-c', script, 'sh', PROGRAM, ...build(two, second, '--no-cache')],
    { env: { ...process.env, CLOCHE_ROOT: other, SOURCE_DATE_EPOCH: String(EPOCH) } },
  );
  expect(await child.exited).toBe(0);
  expect(digestIn(second)).toBe(digestIn(first));

  const newer = `find /made /and /copied -newermt @${EPOCH}; cat /made/here/epoch; ls /and`;
  const ran = await cloche(root, ['run', '--rm', '--network=none', 'made', 'sh', '-c', newer]);
  expect(ran.out.split('\n')).toEqual([`${EPOCH}`, ...LISTED, '']);
}, 120_000);

const LISTED = ['Dockerfile', 'a', 'archive.tar', 'c', 'inline', 'new', 'old', 'sub'];

test('without it the times of files are in the image; what was made so is not taken for the other', async () => {
  const context = join(scratch, 'plain');
  mkdirSync(context);
  writeFileSync(join(context, 'a'), '');
  writeFileSync(join(context, 'Dockerfile'), 'FROM debian:bookworm\nRUN touch /b\nCOPY a /');
  const digest = async (...flags: string[]) => {
    const { code } = await cloche(root, build(context, join(scratch, 'digest'), ...flags));
    expect(code).toBe(0);
    return digestIn(join(scratch, 'digest'));
  };
  const plain = await digest();
  await Bun.sleep(1100);
  expect(await digest('--no-cache')).not.toBe(plain);
  const epoch = ['--build-arg', `SOURCE_DATE_EPOCH=${EPOCH}`];
  const dated = await digest(...epoch);
  expect(await digest(...epoch, '--no-cache')).toBe(dated);
  const later = `SOURCE_DATE_EPOCH=${EPOCH + 1}`;
  const { out } = await cloche(root, [
    ...['build', '--explain', '--network=none', '--build-arg', later, context],
  ]);
  expect(out).toContain('SOURCE_DATE_EPOCH changed');
}, 60_000);
