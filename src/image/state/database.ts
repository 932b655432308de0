import { Database } from 'bun:sqlite';
import { dirname, join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { sayingDiskFull } from './disk.ts';

/** How long a command waits for another's transaction, in milliseconds; each takes a few. */
const BUSY_TIMEOUT = 20_000;

/** So many pages the log has at most, about; the next command reads them all. */
const LONGEST_LOG = 100;

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
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
    switchToWal(db);
    db.run('PRAGMA synchronous = NORMAL');
    db.run(`PRAGMA wal_autocheckpoint = ${LONGEST_LOG}`);
    db.run('PRAGMA foreign_keys = ON');
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
  if (versionOf(db, room) === versions.length) return;
  exclusively(db, () => {
    db.run('CREATE TABLE IF NOT EXISTS schema (room TEXT PRIMARY KEY, version INTEGER NOT NULL)');
    const version = versionOf(db, room);
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
  return sayingDiskFull(dirname(db.filename), () => db.transaction(action).immediate());
}

function versionOf(db: Database, room: string): number {
  if (db.query("SELECT 1 FROM sqlite_master WHERE name = 'schema'").get() === null) return 0;
  const row = db.query<{ version: number }, [string]>('SELECT version FROM schema WHERE room = ?');
  return row.get(room)?.version ?? 0;
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

/** The switch itself does not wait for other openers as everything after it does, so ask again. */
function switchToWal(db: Database): void {
  for (let attempt = 0; ; attempt++) {
    try {
      db.run('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      Bun.sleepSync(10);
    }
  }
}
