import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from './digest.ts';
import {
  ARCHITECTURE,
  type Descriptor,
  type Index,
  type Manifest,
  MEDIA,
  type Platform,
  plainConfig,
} from './manifest.ts';
import { familiar, parseReference } from './reference.ts';
import { writeFileAtomically } from './state/atomic.ts';
import { blobPath, readJson, type Store, temporaryPath } from './store.ts';

/**
 * Rewrites `index.json` after the tags, within the transaction that changed them, so that skopeo
 * (`oci:/var/lib/cloche:debian:bookworm`) and umoci find what cloche finds (but
 * not images whose manifest is docker's: of those skopeo wants `save --format oci`). cloche itself
 * never reads it: the truth is in SQLite.
 */
export function writeIndex(store: Store): void {
  const rows = store.db
    .query<Row, []>(
      `SELECT images.manifest, media, platform, reference
       FROM images LEFT JOIN tags USING (manifest) ORDER BY reference, manifest`,
    )
    .all();
  const index: Index = {
    schemaVersion: 2,
    mediaType: MEDIA.index,
    manifests: rows.map((row) => descriptor(store, row)),
  };
  const content = JSON.stringify(index, undefined, 2);
  const path = join(store.root, 'index.json');
  if (existsSync(path) && readFileSync(path, 'utf8') === content) return;
  writeFileAtomically(path, content, temporaryPath(store));
}

/** One image as an entry of an index, under a canonical name or none. */
export function describe(store: Store, manifest: Digest, reference: string | null): Descriptor {
  const row = store.db
    .query<Omit<Row, 'reference'>, [string]>(
      'SELECT manifest, media, platform FROM images WHERE manifest = ?',
    )
    .get(manifest);
  // Of an image that is given away, the store has the blobs alone.
  const given = {
    media: MEDIA.manifest,
    platform: row === null ? platformOf(store, manifest) : null,
  };
  return descriptor(store, { manifest, ...given, ...row, reference });
}

function platformOf(store: Store, manifest: Digest): string {
  const { config } = readJson<Manifest>(store, manifest);
  const { os, architecture, variant } = plainConfig(readJson(store, config.digest));
  return JSON.stringify({ os, architecture, variant } satisfies Platform);
}

interface Row {
  readonly manifest: Digest;
  readonly media: string;
  /** JSON; null for this machine's. */
  readonly platform: string | null;
  readonly reference: string | null;
}

function descriptor(store: Store, { manifest, media, platform, reference }: Row): Descriptor {
  return {
    mediaType: media,
    digest: manifest,
    size: statSync(blobPath(store, manifest)).size,
    platform:
      platform === null
        ? { os: 'linux', architecture: ARCHITECTURE }
        : (JSON.parse(platform) as Platform),
    ...(reference === null ? {} : { annotations: annotations(reference) }),
  };
}

function annotations(reference: string): Record<string, string> {
  return {
    'org.opencontainers.image.ref.name': familiar(parseReference(reference)),
    'io.containerd.image.name': reference,
  };
}
