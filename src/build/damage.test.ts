import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '../image/digest.ts';
import { collect, listImages, openStore, reconcile, type Store, stackOf } from '../image/index.ts';
import type { Index } from '../image/manifest.ts';
import { imageOfFiles, temporaryStore, writeFiles } from '../image/testing.ts';

/** A build in a process of its own, over and over, each time of other files. */
const BUILDER = `
const [folder, root, context] = process.argv.slice(-3);
process.env.CLOCHE_ROOT = root;
const { openStore } = await import(folder + '/../image/index.ts');
const { buildImage } = await import(folder + '/index.ts');
const { writeFileSync } = await import('node:fs');
const store = openStore(root);
const run = async ({ snapshot, onOutput }) => {
  writeFileSync(snapshot.upper + '/made', crypto.randomUUID() + 'x'.repeat(300000));
  onOutput('stdout', Buffer.from('made'));
  return 0;
};
console.log('ready');
for (let n = 0; ; n++) {
  const buildArgs = { N: String(process.pid) + n };
  await buildImage(store, { context, run, tags: ['t:' + (n % 3)], buildArgs }).catch((error) => {
    console.log(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
    process.exit(1);
  });
  console.log('built');
}`;

const DOCKERFILE = 'FROM base\nARG N\nRUN make $N\nCOPY . /c\nWORKDIR /w\nCMD ["a"]';

let store: Store;
let remove: () => void;
let context: string;

beforeEach(async () => {
  ({ store, remove } = temporaryStore());
  context = mkdtempSync(join(tmpdir(), 'cloche-context-'));
  writeFiles(context, { Dockerfile: DOCKERFILE, 'd/a': 'a'.repeat(100_000), 'd/b': '' });
  await imageOfFiles(store, 'base', { 'bin/sh': 'no shell' });
});

afterEach(() => {
  remove();
  rmSync(context, { recursive: true });
});

const builder = (root: string, wrap: readonly string[] = []) =>
  Bun.spawn([...wrap, process.execPath, '-e', BUILDER, '--', import.meta.dir, root, context], {
    stdout: 'pipe',
    stderr: 'inherit',
  });

/** What must hold whenever nobody works. */
function expectWhole(of: Store): void {
  const entries = (folder: string) => readdirSync(join(of.root, folder));
  expect(entries('snapshots').filter((name) => name.startsWith('active'))).toEqual([]);
  expect(entries('tmp')).toEqual([]);
  for (const name of entries('blobs/sha256'))
    expect(digestOf(readFileSync(join(of.root, 'blobs/sha256', name)))).toBe(
      `sha256:${name}` as never,
    );
  for (const image of listImages(of))
    for (const { directory, blob } of stackOf(of, image.chainId)) {
      expect(existsSync(directory)).toBe(true);
      expect(entries('blobs/sha256')).toContain(blob.digest.slice(7));
    }
  const index = JSON.parse(readFileSync(join(of.root, 'index.json'), 'utf8')) as Index;
  for (const { digest } of index.manifests)
    expect(entries('blobs/sha256')).toContain(digest.slice(7));
}

/** How long a build takes here from where its process says that it is ready, in milliseconds. */
async function lengthOfBuild(): Promise<number> {
  const process = builder(store.root);
  let [said, begun] = ['', 0];
  for await (const chunk of process.stdout) {
    said += new TextDecoder().decode(chunk);
    if (begun === 0) begun = performance.now();
    if (said.includes('built')) break;
  }
  const length = performance.now() - begun;
  process.kill('SIGKILL');
  await process.exited;
  reconcile(store);
  return length;
}

test('a build that is killed at any moment leaves a whole store, 40 times', async () => {
  const moments = Math.ceil(2 * (await lengthOfBuild()));
  const before = listImages(store).length;
  let seed = 7;
  for (let round = 0; round < 40; round++) {
    const process = builder(store.root);
    await process.stdout.getReader().read();
    seed = (seed * 1103515245 + 12345) % 2147483648;
    await Bun.sleep(seed % moments);
    process.kill('SIGKILL');
    await process.exited;
    reconcile(store);
    expectWhole(store);
  }
  expect(listImages(store).length).toBeGreaterThan(before);
  store.db.run('DELETE FROM cache');
  collect(store);
  expectWhole(store);
}, 60_000);

test('builds side by side in several processes do not disturb each other', async () => {
  const processes = [builder(store.root), builder(store.root), builder(store.root)];
  await Bun.sleep(1500);
  for (const process of processes) {
    expect(process.exitCode).toBeNull();
    process.kill('SIGKILL');
  }
  await Promise.all(processes.map((process) => process.exited));
  reconcile(store);
  expectWhole(store);
}, 30_000);

test('a full disk is a clear error, and the store is whole', async () => {
  const small = mkdtempSync(join(tmpdir(), 'cloche-small-'));
  // The tmpfs lives in a mount namespace of its own; what is left in it is copied out at the end.
  const script =
    'mount -t tmpfs -o size=3m none $0 && cp -r $1/. $0 && shift && "$@"; cp -r $0/. $OUT';
  const out = mkdtempSync(join(tmpdir(), 'cloche-out-'));
  const process = Bun.spawn(
    ['unshare', '-m', 'env', `OUT=${out}`, 'sh', '-c', script, small, store.root].concat(
      globalThis.process.execPath,
      '-e',
      BUILDER,
      '--',
      import.meta.dir,
      small,
      context,
    ),
    { stdout: 'pipe', stderr: 'pipe' },
  );
  const said = await new Response(process.stdout).text();
  await process.exited;
  const error = JSON.parse(said.trim().split('\n').at(-1) ?? '');
  expect(error.code).toBe('DISK_FULL');
  expect(error.hint).toContain('df -h');
  const left = openStore(out);
  reconcile(left);
  expectWhole(left);
  left.db.close();
  for (const directory of [small, out]) rmSync(directory, { recursive: true });
}, 30_000);
