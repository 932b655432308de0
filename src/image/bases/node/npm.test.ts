import { afterEach, beforeEach, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClocheError } from '../../../error.ts';
import type { Store } from '../../store.ts';
import { temporaryStore } from '../../testing.ts';
import { packageTarball, viewPackage } from './npm.ts';

let store: Store;
let remove: () => void;
let tools: string;
const path = process.env.PATH;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
  tools = mkdtempSync(join(tmpdir(), 'cloche-npm-'));
  process.env.PATH = `${tools}:${path}`;
});

afterEach(() => {
  process.env.PATH = path;
  rmSync(tools, { recursive: true });
  remove();
});

const integrityOf = (content: string) =>
  `sha512-${new Bun.CryptoHasher('sha512').update(content).digest('base64')}`;

/** A registry's client that says what one version of a package should be, and packs `content`. */
function npm(integrity: string, content: string) {
  const script = `#!/bin/sh
echo "$*" >> ${tools}/calls
case $1 in
view) echo '"${integrity}"' ;;
pack) printf '%s' '${content}' > one-1.0.0.tgz; echo '[]' ;;
esac
`;
  writeFileSync(join(tools, 'npm'), script, { mode: 0o755 });
}

const failing = (script: string) =>
  writeFileSync(join(tools, 'npm'), `#!/bin/sh\n${script}\nexit 1\n`, { mode: 0o755 });

const refused = (making: Promise<unknown>) =>
  making.then(
    () => undefined,
    (error: ClocheError) => error,
  );

test('a package is fetched once, then taken from the store', async () => {
  npm(integrityOf('package'), 'package');
  const tarball = await packageTarball({ store }, 'one', '1.0.0');
  expect(readFileSync(tarball, 'utf8')).toBe('package');
  expect(await packageTarball({ store }, 'one', '1.0.0')).toBe(tarball);
  const calls = readFileSync(join(tools, 'calls'), 'utf8').trim().split('\n');
  expect(calls.filter((call) => call.startsWith('pack '))).toEqual(['pack one@1.0.0 --json']);
});

test('a package that was changed on its way is refused, and nothing is kept', async () => {
  npm(integrityOf('package'), 'packagE');
  const error = await refused(packageTarball({ store }, 'one', '1.0.0'));
  expect(error).toMatchObject({ code: 'NPM_INTEGRITY', class: 'unavailable' });
  expect(readdirSync(join(store.root, 'cache/npm'))).toEqual([]);
  expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
});

test('a package that was changed in the cache is fetched again', async () => {
  npm(integrityOf('package'), 'package');
  const tarball = await packageTarball({ store }, 'one', '1.0.0');
  writeFileSync(tarball, 'rotten');
  await packageTarball({ store }, 'one', '1.0.0');
  expect(readFileSync(tarball, 'utf8')).toBe('package');
});

test('a weaker hash than sha512 is not enough', async () => {
  npm('sha1-C+7Hteo/D9vJXQ3UfzxbwnXaijM=', 'package');
  const error = await refused(packageTarball({ store }, 'one', '1.0.0'));
  expect(error).toMatchObject({ code: 'NPM_INTEGRITY' });
});

test.each([
  ['"code": "E404", "summary": "it is not here"', 'NPM_NOT_FOUND', 'it is not here'],
  ['"code": "ENOTFOUND", "summary": "no such host"', 'NPM_UNREACHABLE', 'no such host'],
  ['"code": "EOTHER", "summary": "surprise"', 'NPM_FAILED', 'surprise'],
])('npm’s %s is %s', async (said, code, summary) => {
  failing(`echo '{"error": {${said}}}'`);
  const error = await refused(viewPackage({ store }, 'one', ['versions']));
  expect(error).toMatchObject({ code, message: `npm view one versions failed: ${summary}` });
});

test('without npm the error says so', async () => {
  mkdirSync(join(tools, 'empty'));
  process.env.PATH = join(tools, 'empty');
  expect(await refused(viewPackage({ store }, 'one', ['versions']))).toMatchObject({
    code: 'TOOL_MISSING',
    message: 'npm is not installed',
    hint: 'apt-get install npm',
  });
  expect(existsSync(join(store.root, 'cache/npm'))).toBe(false);
});
