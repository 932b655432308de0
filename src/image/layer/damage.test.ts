import { afterEach, beforeEach, expect, test } from 'bun:test';
import { deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type DiffId, digestOf } from '../digest.ts';
import { LAYER_TYPES } from '../manifest.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { temporaryStore } from '../testing.ts';
import { Limit } from './limit.ts';
import { contents, entry, inPieces, tar, type Unpack, unpackTar } from './testing.ts';
import { unpackLayer } from './unpack.ts';

/** Nothing makes it smaller. */
const noise = Array.from({ length: 600 }, (_, i) =>
  Buffer.from(digestOf(String(i)).slice(7), 'hex').toString('latin1'),
).join('');
const TAR = tar(entry({ path: 'a' }, noise), entry({ path: 'b' }, noise.slice(1)));
const BLOB = gzipSync(TAR);

let store: Store;
let remove: () => void;

beforeEach(() => {
  ({ store, remove } = temporaryStore());
});
afterEach(() => remove());

/** Whatever is wrong, the store is as it was. */
async function refused(about: Unpack, code: string): Promise<Error> {
  const error = await unpackTar(store, TAR, about).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code });
  expect(contents(store)).toEqual([]);
  const { active } =
    store.db.query<{ active: number }, []>('SELECT count(*) AS active FROM active').get() ?? {};
  expect(active).toBe(0);
  return error as Error;
}

test('a blob of other content is refused by its digest, whatever its archive says', async () => {
  const other = gzipSync(tar(entry({ path: 'evil' })));
  await refused({ blob: other, digest: digestOf(BLOB) }, 'DIGEST_MISMATCH');
  const flipped = Buffer.from(BLOB);
  flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 0xff;
  await refused({ blob: flipped, digest: digestOf(BLOB) }, 'DIGEST_MISMATCH');
  const page = Buffer.from('<html>you are not logged in</html>'.padEnd(BLOB.length));
  await refused({ blob: page, digest: digestOf(BLOB) }, 'DIGEST_MISMATCH');
});

test('a blob that is shorter or longer than said is refused, and not read any further', async () => {
  const cut = BLOB.subarray(0, BLOB.length - 9);
  await refused({ blob: cut, digest: digestOf(BLOB), size: BLOB.length }, 'SIZE_MISMATCH');
  await refused({ blob: Buffer.alloc(0), size: BLOB.length }, 'SIZE_MISMATCH');
  let sent = 0;
  const endless = (async function* () {
    for (; ; sent += 4096) yield Buffer.alloc(4096, 0x1f);
  })();
  const descriptor = { mediaType: LAYER_TYPES.gzip, digest: digestOf(BLOB), size: 20_000 };
  const layer = { descriptor, diffId: digestOf(TAR) as string as DiffId };
  const unpacking = whileWorking(store.db, 'test', () =>
    unpackLayer(store, undefined, layer, endless),
  );
  await expect(unpacking).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  expect(sent).toBeLessThan(30_000);
  expect(contents(store)).toEqual([]);
});

test('a wrong diffID is refused', async () => {
  await refused({ diffId: digestOf('another') }, 'DIFF_ID_MISMATCH');
  // zstd need not have a checksum, so this is all that notices it.
  await refused({ blob: withByte(zstdCompressSync(TAR), 2000) }, 'DIFF_ID_MISMATCH');
});

test.each([
  ['gzip that was cut off', BLOB.subarray(0, BLOB.length - 9)],
  ['gzip with a wrong checksum', withByte(BLOB, BLOB.length - 6)],
  ['gzip with a broken middle', withByte(BLOB, BLOB.length >> 1)],
  ['zstd that was cut off', zstdCompressSync(TAR).subarray(0, -9)],
  ['zstd with a broken block', withByte(zstdCompressSync(TAR), 10)],
  ['deflate without gzip', deflateRawSync(TAR)],
])('%s is refused, though its digest is right', async (_, blob) => {
  await refused({ blob }, 'LAYER_INVALID');
});

test('xz and bzip2 are refused by name', async () => {
  const xz = Buffer.concat([Buffer.from('fd377a585a00', 'hex'), TAR]);
  const error = await refused({ blob: xz }, 'COMPRESSION_UNSUPPORTED');
  expect(error.message).toContain('xz');
  const bzip2 = Buffer.concat([Buffer.from('BZh91AY'), TAR]);
  await refused({ blob: bzip2 }, 'COMPRESSION_UNSUPPORTED');
});

test.each([
  ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'Windows'],
  ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', 'Windows'],
  ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'another kind of artifact'],
])('%s is no layer for us, and the reason is said', async (mediaType, reason) => {
  const error = await refused({ mediaType }, 'MEDIA_TYPE_UNSUPPORTED');
  expect((error as Error & { hint?: string }).hint).toContain(reason);
});

test('who stops an unpacking finds nothing left of it', async () => {
  const stop = new AbortController();
  const body = (async function* () {
    for await (const piece of inPieces(BLOB, 1000)) {
      yield piece;
      stop.abort(new Error('enough'));
    }
  })();
  const descriptor = { mediaType: LAYER_TYPES.gzip, digest: digestOf(BLOB), size: BLOB.length };
  const layer = { descriptor, diffId: digestOf(TAR) as string as DiffId };
  const { signal } = stop;
  await expect(unpackLayer(store, undefined, layer, body, { signal })).rejects.toThrow('enough');
  expect(contents(store)).toEqual([]);
});

test('what the sender throws is thrown, and nothing is left', async () => {
  const body = (async function* () {
    yield BLOB.subarray(0, 5000);
    throw new Error('connection reset');
  })();
  const descriptor = { mediaType: LAYER_TYPES.gzip, digest: digestOf(BLOB), size: BLOB.length };
  const layer = { descriptor, diffId: digestOf(TAR) as string as DiffId };
  await expect(unpackLayer(store, undefined, layer, body)).rejects.toThrow('connection reset');
  expect(contents(store)).toEqual([]);
});

test('progress tells the bytes of the blob, up to its size', async () => {
  const seen: number[] = [];
  const descriptor = { mediaType: LAYER_TYPES.gzip, digest: digestOf(BLOB), size: BLOB.length };
  const layer = { descriptor, diffId: digestOf(TAR) as string as DiffId };
  const onProgress = (bytes: number) => seen.push(bytes);
  await unpackLayer(store, undefined, layer, inPieces(BLOB, 5000), { onProgress });
  expect(seen).toEqual(
    Array.from({ length: Math.ceil(BLOB.length / 5000) }, (_, i) =>
      Math.min((i + 1) * 5000, BLOB.length),
    ),
  );
});

test('a bomb is stopped while it is unpacked, in one file or in many, and nothing is left', async () => {
  const zeros = '\0'.repeat(1 << 18);
  const many = Array.from({ length: 64 }, (_, i) => entry({ path: `f${i}` }, zeros));
  const one = entry({ path: 'f' }, zeros.repeat(64));
  const harmless = 1 << 20;
  for (const archive of [tar(one), tar(...many)])
    for (const blob of [gzipSync(archive), zstdCompressSync(archive)]) {
      const error = await unpackTar(store, archive, { blob, harmless }).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'LAYER_TOO_LARGE' });
      expect(error.message).toContain('more than 200 times its size');
      expect(contents(store)).toEqual([]);
    }
  // As much of what is no bomb may come.
  const fair = tar(...many, entry({ path: 'noise' }, noise.repeat(10)));
  await unpackTar(store, fair, { harmless, blob: gzipSync(fair, { level: 0 }) });
  await unpackTar(store, tar(one), { harmless: 1 << 25 });
});

test('a limit counts all that comes: by its ratio, by the disk, by its entries', () => {
  const limit = new Limit(store.root);
  const gigabyte = 1024 ** 3;
  const growing = new Limit(store.root);
  for (let i = 0; i < 4; i++) growing.grow(gigabyte, 1);
  expect(() => growing.grow(1, 1)).toThrow('more than 200 times');
  expect(() => limit.grow(5 * gigabyte, gigabyte)).not.toThrow();
  expect(() => new Limit(store.root).grow(5 * gigabyte, 1024)).toThrow('more than 200 times');
  expect(() => limit.grow(1e18, 1e18)).toThrow('does not fit on the disk');
  const many = () => {
    for (let i = 0; i <= 1_000_000; i++) limit.entry(50);
  };
  expect(many).toThrow('more than 1000000 entries');
  const fat = new Limit(store.root);
  const headers = () => {
    for (let i = 0; i < 300; i++) fat.entry(1 << 20);
  };
  expect(headers).toThrow('too much in its headers');
});

test('what a killed process has left of a layer is swept by the next', async () => {
  const script = `
    import { openStore } from '${import.meta.dir}/../index.ts';
    import { unpackLayer } from '${import.meta.dir}/unpack.ts';
    const store = openStore('${store.root}');
    const body = (async function* () {
      yield Buffer.from('${BLOB.subarray(0, 9000).toString('base64')}', 'base64');
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log('in');
      await new Promise(() => setInterval(() => {}, 1000));
    })();
    const descriptor = { mediaType: '${LAYER_TYPES.gzip}', digest: '${digestOf(BLOB)}', size: ${BLOB.length} };
    await unpackLayer(store, undefined, { descriptor, diffId: '${digestOf(TAR)}' }, body);`;
  const process = Bun.spawn([Bun.argv[0] ?? 'bun', '-e', script], { stdout: 'pipe' });
  await process.stdout.getReader().read();
  expect(contents(store)).toHaveLength(2);
  process.kill('SIGKILL');
  await process.exited;
  const { reconcile } = await import('../collect.ts');
  reconcile(store);
  expect(contents(store)).toEqual([]);
  expect((await unpackTar(store, TAR, { blob: BLOB })).size).toBe(2 * noise.length - 1);
});

function withByte(blob: Buffer, at: number): Buffer {
  const changed = Buffer.from(blob);
  for (let i = 0; i < 4; i++) changed[at + i] = (changed[at + i] ?? 0) ^ 0xa5;
  return changed;
}
