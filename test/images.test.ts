import { afterEach, beforeEach, expect, test } from 'bun:test';
import { listImages, type Store } from '../src/image/index.ts';
import { imageOfFiles, temporaryStore } from '../src/image/testing.ts';
import { cloche as clocheIn } from './cli.ts';

/** Commands over images, on images that are made of a few files. */
let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

const cloche = (...args: string[]) => clocheIn(store.root, args);
const names = () => listImages(store).flatMap(({ tags }) => tags);

test('tag names an image once more, and image tag is the same', async () => {
  await imageOfFiles(store, 'app', { a: '1' });
  expect(await cloche('tag', 'app', 'team/app:2')).toEqual({ code: 0, out: '', err: '' });
  expect((await cloche('image', 'tag', 'app', 'other')).code).toBe(0);
  expect(names()).toEqual(['app:latest', 'other:latest', 'team/app:2']);
});

test.each([
  ['a source that is not there', ['nope', 'a'], 'no such image: nope:latest'],
  ['a target that is no name', ['app', 'A:b'], 'must be lowercase'],
])('tag refuses %s with 1', async (_, args, says) => {
  await imageOfFiles(store, 'app', { a: '1' });
  const { code, err } = await cloche('tag', ...args);
  expect(code).toBe(1);
  expect(err).toContain(says);
});

test('rmi says what it untagged and deleted; several at once, the unknown one does not stop it', async () => {
  const app = await imageOfFiles(store, 'app', { a: '1' });
  const other = await imageOfFiles(store, 'other', { a: '2' });
  await cloche('tag', 'app', 'twin');
  const { code, out, err } = await cloche('rmi', 'app', 'nope', 'other', 'twin');
  expect(code).toBe(1);
  expect(err).toContain('no such image: nope:latest');
  expect(out.split('\n')).toEqual([
    'Untagged: app:latest',
    'Untagged: other:latest',
    `Deleted: ${other.id}`,
    `Deleted: ${other.chainId}`,
    'Untagged: twin:latest',
    `Deleted: ${app.id}`,
    `Deleted: ${app.chainId}`,
    '',
  ]);
  expect(names()).toEqual([]);
});

test('rmi by id wants force where there are several names', async () => {
  const { id } = await imageOfFiles(store, 'app', { a: '1' });
  await cloche('tag', 'app', 'twin');
  const short = id.slice(7, 19);
  const refused = await cloche('image', 'rm', short);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain(
    `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
  );
  expect((await cloche('image', 'rm', '--force', short)).out).toStartWith(
    'Untagged: app:latest\nUntagged: twin:latest\nDeleted: sha256:',
  );
});
