/**
 * The tables of images. Times are milliseconds since the epoch, sizes bytes; references are in full
 * (`docker.io/library/debian:bookworm`). Only ever append.
 */
export const SCHEMA = [
  `
  CREATE TABLE images (
    manifest TEXT PRIMARY KEY,
    config TEXT NOT NULL,
    chain TEXT,
    size INTEGER NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE tags (
    reference TEXT PRIMARY KEY,
    manifest TEXT NOT NULL REFERENCES images (manifest),
    tagged INTEGER NOT NULL
  ) STRICT;
  -- Committed snapshots: one layer each, on top of its parent.
  CREATE TABLE snapshots (
    chain TEXT PRIMARY KEY,
    parent TEXT REFERENCES snapshots (chain),
    diff TEXT NOT NULL,
    blob TEXT NOT NULL,
    blob_size INTEGER NOT NULL,
    size INTEGER NOT NULL,
    opaque TEXT NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;
  -- Snapshots being written: by a process, or kept by a container after its process.
  CREATE TABLE active (
    id TEXT PRIMARY KEY,
    parent TEXT REFERENCES snapshots (chain),
    owner TEXT,
    keeper TEXT,
    created INTEGER NOT NULL
  ) STRICT;
  -- What a step of a build gave: a snapshot, an image config, or both.
  CREATE TABLE cache (
    key TEXT PRIMARY KEY,
    chain TEXT REFERENCES snapshots (chain),
    value TEXT NOT NULL,
    used INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE work (
    name TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    since INTEGER NOT NULL
  ) STRICT;
  `,
  // Layers that others made may be plain or zstd, or have docker's names.
  `
  ALTER TABLE snapshots
    ADD COLUMN media TEXT NOT NULL DEFAULT 'application/vnd.oci.image.layer.v1.tar+gzip'
  `,
  // Manifests that others made may be docker's, and of other platforms (JSON; NULL: this machine's).
  `
  ALTER TABLE images
    ADD COLUMN media TEXT NOT NULL DEFAULT 'application/vnd.oci.image.manifest.v1+json';
  ALTER TABLE images ADD COLUMN platform TEXT
  `,
  // What registries call what we have: an index's digest for an image, and where a blob is known.
  `
  CREATE TABLE digests (
    reference TEXT PRIMARY KEY,
    manifest TEXT NOT NULL REFERENCES images (manifest) ON DELETE CASCADE
  ) STRICT;
  CREATE TABLE known_at (
    digest TEXT NOT NULL,
    repository TEXT NOT NULL,
    PRIMARY KEY (digest, repository)
  ) STRICT, WITHOUT ROWID
  `,
] as const;
