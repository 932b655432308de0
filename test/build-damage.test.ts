import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche, PROGRAM } from './cli.ts';

/** Builds that meet each other, and builds that are killed. */
let root = '';
let remove = () => {};
let contexts = 0;

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);

afterAll(() => remove());

function contextOf(dockerfile: string, files: Record<string, string> = {}): string {
  const context = join(root, `context-${contexts++}`);
  mkdirSync(context);
  for (const [name, content] of Object.entries({ ...files, Dockerfile: dockerfile }))
    writeFileSync(join(context, name), content);
  return context;
}

/** A build whose progress is read line by line. */
function build(context: string) {
  const child = Bun.spawn([PROGRAM, 'build', '--progress=plain', '--network=none', context], {
    env: { ...process.env, CLOCHE_ROOT: root },
    stderr: 'pipe',
  });
  let said = '';
  const read = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) said += decoder.decode(chunk, { stream: true });
  })();
  const until = async (text: string) => {
    for (let i = 0; i < 1000 && !said.includes(text); i++) await Bun.sleep(10);
    expect(said).toContain(text);
  };
  const end = async () => {
    await read;
    return { code: await child.exited, said };
  };
  return { child, until, end };
}

const active = () =>
  readdirSync(join(root, 'snapshots')).filter((name) => name.startsWith('active'));

async function expectNothingLeft(): Promise<void> {
  expect((await cloche(root, ['ps'])).code).toBe(0);
  expect(active()).toEqual([]);
  expect(readdirSync(join(root, 'tmp'))).toEqual([]);
}

const idIn = (said: string) => /writing image (sha256:[0-9a-f]{64})/.exec(said)?.[1];

test('of two builds of the same thing at once, one does it and both have it', async () => {
  const context = contextOf(
    'FROM debian:bookworm\nRUN sleep 1; echo done by me; cat /proc/sys/kernel/random/uuid > /id',
  );
  const ended = await Promise.all([build(context).end(), build(context).end()]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  const all = ended.map(({ said }) => said);
  expect(all.filter((said) => / done by me\n/.test(said))).toHaveLength(1);
  expect(all.filter((said) => said.includes('waiting for another build'))).toHaveLength(1);
  expect(idIn(all[0] ?? '')).toBe(idIn(all[1] ?? '-'));
  await expectNothingLeft();
}, 30_000);

test('whoever waits for a build that is killed does it then', async () => {
  const context = contextOf('FROM debian:bookworm\nRUN echo begun; sleep 2; touch /slow');
  const first = build(context);
  await first.until(' begun\n');
  const second = build(context);
  await second.until('waiting for another build');
  first.child.kill('SIGKILL');
  const { code, said } = await second.end();
  expect(code).toBe(0);
  expect(said).toContain(' begun\n');
  await expectNothingLeft();
}, 30_000);

test('a build that is killed in the middle of COPY leaves nothing, and the next one is whole', async () => {
  const count = 5000;
  const files = Object.fromEntries(
    [...Array(count).keys()].map((n) => [`f${n}`, `${n}`.repeat(500)]),
  );
  const context = contextOf('FROM debian:bookworm\nCOPY . /files/\nRUN ls /files | wc -l', files);
  const { child, end } = build(context);
  const copied = () =>
    active()
      .map((name) => join(root, 'snapshots', name, 'fs/files'))
      .flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
  while (copied().length < 100 && child.exitCode === null) await Bun.sleep(2);
  child.kill('SIGKILL');
  await end();
  const left = copied().length;
  expect([left >= 100, left < count]).toEqual([true, true]);
  await expectNothingLeft();
  const { code, said } = await build(context).end();
  expect([code, said]).toEqual([0, expect.stringContaining(` ${count + 1}\n`)]);
}, 60_000);
