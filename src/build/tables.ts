import type { Database } from 'bun:sqlite';
import { migrate, type Store } from '../image/index.ts';

/** Append only. */
const SCHEMA = [
  `
  CREATE TABLE builds (
    id TEXT PRIMARY KEY,
    started INTEGER NOT NULL,
    record TEXT NOT NULL
  ) STRICT
  `,
  // What a COPY takes of files that are as they were: see copy/known.ts.
  `
  CREATE TABLE copied (
    key TEXT PRIMARY KEY,
    facts TEXT NOT NULL
  ) STRICT
  `,
] as const;

/** The builder's own tables, brought up to date: `builds` and `copied`. */
export function buildTables(store: Store): Database {
  migrate(store.db, 'build', SCHEMA);
  return store.db;
}
