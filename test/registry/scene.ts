import { expect } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../src/image/digest.ts';
import type { getImage } from '../../src/image/images.ts';
import type { Manifest } from '../../src/image/manifest.ts';
import { parseReference, type Reference } from '../../src/image/reference.ts';
import { PATIENCE } from '../../src/image/registry/patience.ts';
import { blobPath, readJson, type Store } from '../../src/image/store.ts';
import { temporaryStore } from '../../src/image/testing.ts';
import { type HostileRegistry, startHostile } from './hostile.ts';
import { imageOfLayers } from './images.ts';

/** A hostile registry with an image of two layers, and the store that the image is from. */
export interface Scene {
  readonly registry: HostileRegistry;
  readonly source: Store;
  /** The image's name at the registry. */
  readonly name: Reference;
  readonly manifest: Buffer;
  readonly image: ReturnType<typeof getImage>;
  /** A layer's path at the registry, and its bytes. */
  layer(n: number): string;
  blob(n: number): Buffer;
  remove(): void;
}

/** Milliseconds; the real ones are longer. */
export const patience = { ...PATIENCE, pause: 5, answer: 400, silence: 400, retryAfter: 1000 };

export async function setScene(): Promise<Scene> {
  const { store, remove } = temporaryStore();
  const image = await imageOfLayers(store, 'image:1', 2, 300_000);
  const registry = startHostile(store, 'image:1');
  const { layers } = readJson<Manifest>(store, image.manifest);
  const digest = (n: number) => layers[n]?.digest ?? image.id;
  return {
    ...{ registry, source: store, image },
    name: parseReference(`${registry.address}/x/y:1`),
    manifest: readFileSync(blobPath(store, image.manifest)),
    layer: (n) => `/v2/x/y/blobs/${digest(n)}`,
    blob: (n) => readFileSync(blobPath(store, digest(n))),
    remove: () => {
      registry.stop();
      remove();
    },
  };
}

/** Nothing but what a store is born with, and layers that arrived whole: no image, no name, no half. */
export function expectIntact(store: Store): void {
  for (const table of ['images', 'tags', 'active', 'work', 'digests'])
    expect([table, store.db.query(`SELECT * FROM ${table}`).all()]).toEqual([table, []]);
  expect(readdirSync(join(store.root, 'tmp'))).toEqual([]);
  for (const hex of readdirSync(join(store.root, 'blobs/sha256')))
    expect(digestOf(readFileSync(join(store.root, 'blobs/sha256', hex)))).toEndWith(hex);
  const chains = store.db.query<{ n: number }, []>('SELECT count(*) AS n FROM snapshots').get()?.n;
  expect(readdirSync(join(store.root, 'snapshots'))).toHaveLength(chains ?? -1);
}
