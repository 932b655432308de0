/**
 * The table of containers. Times are milliseconds since the epoch. `status` is what was last written
 * down; what is true now also depends on whether `pid` still lives (see `settle.ts`).
 * Only ever append.
 */
export const SCHEMA = [
  `
  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    image TEXT NOT NULL,
    image_id TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    options TEXT NOT NULL,
    command TEXT NOT NULL,
    status TEXT NOT NULL,
    owner TEXT,
    pid INTEGER,
    pid_start TEXT,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    exit_code INTEGER,
    address TEXT,
    remove INTEGER NOT NULL
  ) STRICT;
  -- Who has which address of the bridge's network, by its number in it.
  CREATE TABLE addresses (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE
  ) STRICT;
  `,
  // Which ports of the host lead to it, as JSON, since it was last started.
  'ALTER TABLE containers ADD COLUMN ports TEXT',
  // Whether the kernel has killed something in it for lack of memory; null where nobody knows.
  'ALTER TABLE containers ADD COLUMN oom_killed INTEGER',
  // The process that clears away when it has ended, as an `Owner`.
  'ALTER TABLE containers ADD COLUMN shim TEXT',
] as const;
