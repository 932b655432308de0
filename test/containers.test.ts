import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';
import { cloche as clocheIn } from './cli.ts';

/** Commands over containers; each test removes its own. */
const image = 'debian:bookworm';
let root = '';
let remove = () => {};

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);
afterEach(async () => {
  const { out } = await cloche('ps', '-aq');
  expect(out).toBe('');
});
afterAll(() => remove());

const cloche = (...args: string[]) => clocheIn(root, args);
const run = (name: string, ...command: string[]) =>
  cloche('run', '-d', '--network', 'none', '--name', name, image, ...command);

test.each([
  [['kill', 'nope'], 'no such container: nope'],
  [['rm', 'nope'], 'no such container: nope'],
  [['rm', '-f', 'nope'], 'no such container: nope'],
])('%j gives 1 and says so', async (args, says) => {
  const { code, err, out } = await cloche(...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(says);
});

test('kill and rm go on after a name that fails, and name what they did', async () => {
  await run('box', 'sleep', '100');
  expect((await cloche('rm', 'box')).err).toContain(
    "cannot remove container 'box': container is running",
  );
  expect((await cloche('kill', '-s', 'NOPE', 'box')).code).toBe(1);
  const killed = await cloche('kill', 'nope', 'box');
  expect(killed).toMatchObject({ code: 1, out: 'box\n' });
  const again = await cloche('rm', '-f', 'box', 'nope');
  expect(again).toMatchObject({ code: 1, out: 'box\n' });
});

test('rmi refuses the image of a container; by force its name goes, and the container lives on', async () => {
  await cloche('tag', image, 'mine');
  await cloche('rmi', image);
  const made = (
    await cloche('run', '-d', '--name', 'box', '--network', 'none', 'mine', 'sleep', '100')
  ).out;
  const short = made.slice(0, 12);
  const refused = await cloche('rmi', 'mine');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(
    `conflict: unable to remove repository reference "mine" (must force) - container ${short} is using its referenced image`,
  );
  expect((await cloche('rmi', '-f', 'mine')).out).toBe('Untagged: mine:latest\n');
  const [row] = JSON.parse((await cloche('images', '--json')).out);
  expect(row.tags).toEqual([]);
  expect((await cloche('rmi', '-f', row.id)).err).toContain('(cannot be forced)');
  expect((await cloche('exec', 'box', 'echo', 'here')).out).toBe('here\n');
  await cloche('tag', row.id, image);
  await cloche('rm', '-f', 'box');
});
