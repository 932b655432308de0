import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporaryPath } from '../../image/index.ts';
import { nameOfContext } from '../contexts/named.ts';
import { openWorkshop, type Workshop } from '../testing.ts';
import { forgetDigests, rememberedDigests } from './digests.ts';

let shop: Workshop;
let file: string;

beforeEach(async () => {
  shop = await openWorkshop();
  file = join(shop.context, 'a');
  writeFileSync(file, 'one');
});

afterEach(() => shop.remove());

const NOWHERE = Buffer.from('/nowhere/at/all');
/** Longer than a file must have been left alone, in milliseconds. */
const SETTLING = 2050;

const digests = () => rememberedDigests(shop.store, shop.context);
const stat = () => ({ stat: lstatSync(file, { bigint: true }) });

/** Asks for the file, and says what the next build would know of it without reading. */
function afterOne() {
  const first = digests();
  const read = first.of(stat(), Buffer.from(file));
  first.keep();
  return { read, next: digests() };
}

test('what has not changed is not read again', async () => {
  await Bun.sleep(SETTLING);
  const { read, next } = afterOne();
  expect(read).toBe(new Bun.CryptoHasher('sha256').update('one').digest('hex'));
  expect(next.of(stat(), NOWHERE)).toBe(read);
});

test('what was written to a moment ago is read again, since it may be once more', () => {
  const { next } = afterOne();
  expect(() => next.of(stat(), NOWHERE)).toThrow('ENOENT');
});

test('other content of the same size under the same mtime is seen', async () => {
  await Bun.sleep(SETTLING);
  const dockerfile = 'FROM scratch\nCOPY a /';
  expect((await shop.build(dockerfile)).file('a')).toBe('one');
  const { atime, mtime } = statSync(file);
  writeFileSync(file, 'two');
  utimesSync(file, atime, mtime);
  expect((await shop.build(dockerfile)).file('a')).toBe('two');
});

test('a memory that is damaged or gone is none, and a build brings it back', async () => {
  await Bun.sleep(SETTLING);
  const dockerfile = 'FROM scratch\nCOPY a* /';
  await shop.build(dockerfile);
  const folder = join(shop.store.root, 'cache/digests');
  const [name = ''] = readdirSync(folder);
  const whole = readFileSync(join(folder, name), 'utf8');
  expect(whole.split('\n')).toHaveLength(2);
  writeFileSync(join(folder, name), `\0\n nothing\n${whole.slice(0, 20)}`);
  expect((await shop.build(dockerfile)).file('a')).toBe('one');
  expect(readFileSync(join(folder, name), 'utf8')).toContain(whole);
});

test('what is forgotten is read again', async () => {
  await Bun.sleep(SETTLING);
  afterOne();
  expect(forgetDigests(shop.store)).toBeGreaterThan(0);
  expect(() => digests().of(stat(), NOWHERE)).toThrow('ENOENT');
  expect(forgetDigests(shop.store)).toBe(0);
});

test('what a named context holds is remembered too, and if the build fails as well', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cloche-named-'));
  writeFileSync(join(directory, 'n'), 'named');
  await Bun.sleep(SETTLING);
  const name = nameOfContext('src');
  const contexts = new Map([[name, { kind: 'files', name, directory } as const]]);
  const dockerfile = 'FROM base\nCOPY --from=src n /\nRUN fail 1';
  expect((await shop.failing(dockerfile, {}, { contexts })).code).toBe('RUN_FAILED');
  const node = { stat: lstatSync(join(directory, 'n'), { bigint: true }) };
  expect(digests().of(node, NOWHERE)).toBe(
    new Bun.CryptoHasher('sha256').update('named').digest('hex'),
  );
  rmSync(directory, { recursive: true });
});

test('of contexts that were fetched, and lie in the state directory, nothing is remembered', async () => {
  const context = temporaryPath(shop.store);
  mkdirSync(context);
  writeFileSync(join(context, 'a'), 'one');
  await Bun.sleep(SETTLING);
  const options = { context, file: join(shop.context, 'Dockerfile') };
  expect((await shop.build('FROM scratch\nCOPY a /', {}, options)).file('a')).toBe('one');
  expect(readdirSync(join(shop.store.root, 'cache'))).not.toContain('digests');
});
