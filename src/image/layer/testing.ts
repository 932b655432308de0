import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { $ } from 'bun';
import { type ChainId, type DiffId, digestOf } from '../digest.ts';
import { LAYER_TYPES } from '../manifest.ts';
import type { Snapshot } from '../snapshots.ts';
import { whileWorking } from '../state/work.ts';
import type { Store } from '../store.ts';
import { END, encodeHeader, type Header, padding } from './header.ts';
import { unpackLayer } from './unpack.ts';

/** A header's bytes and its content's, for archives as tests want them. */
export function entry(about: Partial<Header> & { path: string }, content = ''): Buffer {
  const body = Buffer.from(content, 'latin1');
  const header = encodeHeader({
    ...{ type: 'file', mode: 0o644, uid: 0, gid: 0, size: body.length, mtime: 1_000_000_000n },
    ...about,
  });
  return Buffer.concat([header, body, padding(body.length)]);
}

export const directory = (path: string, about: Partial<Header> = {}) =>
  entry({ path, type: 'directory', mode: 0o755, ...about });
export const symlink = (path: string, target: string) => entry({ path, type: 'symlink', target });
export const link = (path: string, target: string) => entry({ path, type: 'link', target });

/** Entries as a whole archive. */
export function tar(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([...parts, END]);
}

/** Changes a header block's field and sums it anew. */
export function withField(block: Buffer, at: number, value: string | Buffer): Buffer {
  const changed = Buffer.from(block);
  Buffer.from(value as string, 'latin1').copy(changed, at);
  changed.write(' '.repeat(8), 148, 'latin1');
  const sum = changed.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return changed;
}

/** A PAX header (`x`, or `g` for all entries) with records as they are given. */
export function pax(records: string, type = 'x'): Buffer {
  const header = entry({ path: 'pax' }, records);
  return withField(header, 156, type);
}

/** `<length> key=value\n` */
export function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (length !== rest.length + String(length).length)
    length = rest.length + String(length).length;
  return `${length}${rest}`;
}

export interface Unpack {
  readonly parent?: ChainId | undefined;
  /** What is sent, if not the gzipped archive. */
  readonly blob?: Buffer;
  /** How large the pieces are in which it comes, bytes. */
  readonly pieces?: number;
  readonly diffId?: string;
  readonly mediaType?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly harmless?: number;
}

/** Unpacks an archive as a layer, with a descriptor that is right but for what `about` says. */
export function unpackTar(store: Store, archive: Buffer, about: Unpack = {}): Promise<Snapshot> {
  const blob = about.blob ?? gzipSync(archive, { level: 1 });
  const descriptor = {
    mediaType: about.mediaType ?? LAYER_TYPES.gzip,
    digest: (about.digest ?? digestOf(blob)) as ReturnType<typeof digestOf>,
    size: about.size ?? blob.length,
  };
  const diffId = (about.diffId ?? digestOf(archive)) as DiffId;
  const body = inPieces(blob, about.pieces ?? 1 << 16);
  return whileWorking(store.db, crypto.randomUUID(), () =>
    unpackLayer(store, about.parent, { descriptor, diffId }, body, { harmless: about.harmless }),
  );
}

export async function* inPieces(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

/** Everything in a directory: path, kind, mode, owner, time to the nanosecond, link, number of names. */
export async function listing(directory: string): Promise<string> {
  const format = String.raw`%P %y %m %U:%G %T@ %l %n %s\n`;
  return $`find . -mindepth 1 -printf ${format} | LC_ALL=C sort`.cwd(directory).text();
}

/** What a store holds beside its database: to see that nothing was left. */
export function contents(store: Store): string[] {
  return ['blobs/sha256', 'snapshots', 'tmp'].flatMap((folder) =>
    readdirSync(join(store.root, folder)).map((name) => `${folder}/${name}`),
  );
}

/** mulberry32: the same seed, the same numbers; each below what is asked for. */
export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
