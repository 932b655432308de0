import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  configOf,
  listImages,
  parseReference,
  type Store,
  writeImage,
} from '../src/image/index.ts';
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

test('images takes a name, filters, digests, ids in full and formats', async () => {
  const old = await imageOfFiles(store, 'app:1', { a: '1' }, { Labels: { team: 'fern' } });
  await imageOfFiles(store, 'team/app:2', { a: '2' });
  const lost = await imageOfFiles(store, 'lost', { a: '3' });
  store.db.run("DELETE FROM tags WHERE reference LIKE '%lost%'");
  const format = ['--format', '{{.Repository}}:{{.Tag}}'];
  const listed = async (...args: string[]) =>
    (await cloche('images', ...format, ...args)).out.split('\n').slice(0, -1).sort();
  expect(await listed()).toEqual(['<none>:<none>', 'app:1', 'team/app:2']);
  expect(await listed('app')).toEqual(['app:1']);
  expect(await listed('app:2')).toEqual([]);
  expect(await listed('-f', 'dangling=true')).toEqual(['<none>:<none>']);
  expect(await listed('-f', 'dangling=false', '-f', 'reference=team/*')).toEqual(['team/app:2']);
  expect(await listed('-f', 'reference=*:1')).toEqual(['app:1']);
  expect(await listed('-f', 'label=team')).toEqual(['app:1']);
  expect(await listed('-f', 'label=team=moss')).toEqual([]);
  expect((await cloche('images', '-q', '-f', 'dangling=1')).out).toBe(`${lost.id.slice(7, 19)}\n`);
  expect((await cloche('images', '-q', '--no-trunc', 'app')).out).toBe(`${old.id}\n`);
  const table = (await cloche('image', 'ls', '--digests', 'app')).out;
  expect(table).toMatch(/^REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +SIZE\napp +1 +sha256:/);
  expect((await cloche('images', '--format', 'json', 'app')).out).toStartWith(
    '{"Repository":"app"',
  );
});

test.each([
  [['-f', 'colour=red'], "invalid filter 'colour'", 'there are dangling, reference'],
  [['-f', 'dangling'], "invalid filter 'dangling'", 'there are'],
  [['-f', 'dangling=perhaps'], "invalid filter 'dangling=perhaps'", 'there are true'],
  [['-f', 'before=nope'], 'no such image: nope', 'cloche images lists'],
  [['--format', '{{.Nope}}'], 'map has no entry for key "Nope"', 'there are Repository, Tag'],
])('images refuses %j with 1', async (args, says, hint) => {
  await imageOfFiles(store, 'app', { a: '1' });
  const { code, err, out } = await cloche('images', ...args);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(says);
  expect(err).toContain(hint);
});

test('history has a line an instruction, the newest first', async () => {
  const { id } = await imageOfFiles(store, 'app', { a: '12345' });
  const { out } = await cloche('history', 'app');
  expect(out).toMatch(
    /^IMAGE +CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} +.* ago +a test +5B\n$/,
  );
  expect((await cloche('history', '-q', '--no-trunc', 'app')).out).toBe(`${id}\n`);
  const plain = ['history', '--human=false', '--format', '{{.CreatedAt}} {{.Size}}', 'app'];
  expect((await cloche(...plain)).out).toBe('2026-01-01T00:00:00.000Z 5\n');
  const [line] = JSON.parse((await cloche('history', '--json', 'app')).out);
  expect(line).toMatchObject({ createdBy: 'a test', size: 5 });
  expect((await cloche('history', 'nope')).err).toContain('no such image: nope:latest');
});

test('an image of which nobody knows when it was made has no age', async () => {
  const image = await imageOfFiles(store, 'app', { a: '1' });
  const created = '1970-01-01T00:00:00Z';
  const old = { ...configOf(store, image), created, history: [{ created, created_by: 'x' }] };
  writeImage(store, old, [parseReference('old:1')]);
  const format = ['--format', '{{.CreatedSince}}'];
  expect((await cloche('images', ...format, 'old')).out).toBe('N/A\n');
  expect((await cloche('history', ...format, 'old:1')).out).toBe('N/A\n');
  expect((await cloche('images', ...format, 'app')).out).toMatch(/ ago\n$/);
});

test("inspect shows an image in docker's shape, whole or through a template", async () => {
  const image = await imageOfFiles(store, 'app', { a: '1' }, { Env: ['A=1'], Cmd: ['sh'] });
  await cloche('tag', 'app', 'twin');
  const [shown] = JSON.parse((await cloche('inspect', 'app')).out);
  expect(shown).toMatchObject({
    Id: image.id,
    RepoTags: ['app:latest', 'twin:latest'],
    RepoDigests: [`app@${image.manifest}`, `twin@${image.manifest}`],
    Created: '2026-01-01T00:00:00.000Z',
    Os: 'linux',
    Size: 1,
    Config: { Env: ['A=1'], Cmd: ['sh'] },
    RootFS: { Type: 'layers', Layers: [String(image.chainId)] },
  });
  const says = async (format: string) =>
    (await cloche('image', 'inspect', '-f', format, 'twin')).out;
  expect(await says('{{index .RepoTags 0}} {{json .Config.Cmd}}')).toBe('app:latest ["sh"]\n');
  expect(await says('<{{.Config.User}}{{.Variant}}> {{.Config.Volumes}}')).toBe('<> map[]\n');
  expect((await cloche('inspect', `app@${image.manifest}`, '-f', '{{.Size}}')).out).toBe('1\n');
});

test('inspect prints what it finds and names what it does not, with 1', async () => {
  await imageOfFiles(store, 'app', { a: '1' });
  const both = await cloche('inspect', 'app', 'Nope');
  expect(both.code).toBe(1);
  expect(JSON.parse(both.out)).toHaveLength(1);
  expect(both.err).toContain('no such object: Nope');
  const none = await cloche('inspect', '--type', 'container', 'app');
  expect(none).toMatchObject({ code: 1, out: '[]\n' });
  expect(none.err).toContain('no such container: app');
  expect((await cloche('image', 'inspect', 'nope')).err).toContain('no such image: nope:latest');
});
