import { Database } from 'bun:sqlite';
import { dirname, join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { sayingDiskFull } from './disk.ts';

/** How long a command waits for another's transaction, in milliseconds; each takes a few. */
const BUSY_TIMEOUT = 20_000;

/** So many pages the log has at most, about; the next command reads them all. */
const LONGEST_LOG = 100;

const SET_UP = `
  PRAGMA busy_timeout = ${BUSY_TIMEOUT};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = ${LONGEST_LOG};
  PRAGMA foreign_keys = ON;
`;

/**
 * Opens `cloche.db`, the one SQLite file of a state directory, for several processes at once: WAL,
 * so that readers never wait, and a killed writer leaves the last whole transaction.
 *
 * @throws {ClocheError} `STATE_UNREADABLE`
 */
export function openDatabase(root: string): Database {
  const path = join(root, 'cloche.db');
  try {
    const db = new Database(path, { create: true, strict: true });
    setUp(db);
    process.once('exit', () => leave(db));
    return db;
  } catch (cause) {
    throw new ClocheError(
      'STATE_UNREADABLE',
      `cannot open '${path}': ${(cause as Error).message}`,
      {
        hint: 'Is the directory on a local disk, and is there room on it?',
        cause,
      },
    );
  }
}

/**
 * Brings one room's tables up to date. `versions[n]` leads from version n to n+1; a room's versions
 * are only ever appended to.
 *
 * @throws {ClocheError} `STATE_TOO_NEW`: a newer cloche has written this directory.
 */
export function migrate(db: Database, room: string, versions: readonly string[]): void {
  if (versionsIn(db)[room] === versions.length) return;
  exclusively(db, () => {
    db.run('CREATE TABLE IF NOT EXISTS schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL)');
    const version = readVersions(db)[room] ?? 0;
    if (version > versions.length)
      throw new ClocheError(
        'STATE_TOO_NEW',
        `the state of '${room}' was written by a newer cloche`,
        {
          class: 'conflict',
          hint: 'Use that version, or another CLOCHE_ROOT.',
          details: { room, version, known: versions.length },
        },
      );
    for (const step of versions.slice(version)) db.run(step);
    db.query('INSERT OR REPLACE INTO schema VALUES (?, ?)').run(room, versions.length);
  });
}

/**
 * Runs `action` in a transaction that no other process's overlaps. It must be synchronous and short.
 * What throws inside undoes all of it; files touched inside must be safe to find without their row.
 *
 * @throws {ClocheError} `DISK_FULL`; what `action` throws.
 */
export function exclusively<T>(db: Database, action: () => T): T {
  // Inside of another one it is a part of that, and undone with it.
  if (db.inTransaction) return action();
  return sayingDiskFull(dirname(db.filename), () => db.transaction(action).immediate());
}

type Versions = Readonly<Record<string, number>>;

/** As they were when the database was opened: most commands find all rooms up to date, with one question. */
const opened = new WeakMap<Database, Versions>();

function versionsIn(db: Database): Versions {
  const known = opened.get(db) ?? readVersions(db);
  opened.set(db, known);
  return known;
}

function readVersions(db: Database): Versions {
  if (db.query("SELECT 1 FROM sqlite_master WHERE name = 'schema'").get() === null) return {};
  const rows = db.query<{ room: string; version: number }, []>('SELECT room, version FROM schema');
  return Object.fromEntries(rows.all().map(({ room, version }) => [room, version]));
}

/**
 * Ends with the log as it is: whoever makes it too long writes it into the file. Left alone, SQLite would do
 * that each time the last connection closes, and wait for the disk at each command's begin and end; a last
 * connection that may only read cannot.
 */
function leave(db: Database): void {
  try {
    const reader = new Database(db.filename, { readonly: true });
    reader.query('SELECT 1 FROM sqlite_master').get();
    db.close();
    reader.close();
  } catch {
    // It is closed, or gone, by now; else SQLite ends it its own way.
  }
}

/** The switch to WAL does not wait for other openers as everything after it does, so ask again. */
function setUp(db: Database): void {
  for (let attempt = 0; ; attempt++) {
    try {
      db.run(SET_UP);
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      Bun.sleepSync(10);
    }
  }
}
