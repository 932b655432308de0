import type { Database } from 'bun:sqlite';
import { dirname } from 'node:path';
import { exclusively } from './database.ts';
import { sayingDiskFull } from './disk.ts';
import { isDead, type Owner, ownOwner } from './owner.ts';

export interface WorkOptions {
  /** Called once if another process is at it and this one has to wait. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does `action` while no other process, and nobody else in this one, works under the same name. The
 * name is also what keeps garbage collection away from blobs that the work has written and nothing
 * refers to yet. A worker that was killed does not block: its process is seen to be dead.
 *
 * @throws {ClocheError} `DISK_FULL`; what `action` throws; the signal's reason.
 */
export async function whileWorking<T>(
  db: Database,
  name: string,
  action: () => Promise<T>,
  options: WorkOptions = {},
): Promise<T> {
  for (let waits = 0; !begin(db, name); waits++) {
    if (waits === 0) options.onWait?.();
    options.signal?.throwIfAborted();
    await Bun.sleep(100);
  }
  return sayingDiskFull(dirname(db.filename), async () => {
    try {
      return await action();
    } finally {
      db.query('DELETE FROM work WHERE name = ? AND owner = ?').run(name, ownOwner());
    }
  });
}

/** Whether anything is under way, here or in another process. */
export function isAnybodyWorking(db: Database): boolean {
  sweepDead(db);
  return db.query('SELECT 1 FROM work').get() !== null;
}

function begin(db: Database, name: string): boolean {
  return exclusively(db, () => {
    sweepDead(db);
    const insert = db.query('INSERT OR IGNORE INTO work (name, owner, since) VALUES (?, ?, ?)');
    return insert.run(name, ownOwner(), Date.now()).changes === 1;
  });
}

function sweepDead(db: Database): void {
  const rows = db.query<{ name: string; owner: Owner }, []>('SELECT name, owner FROM work').all();
  for (const { name, owner } of rows)
    if (isDead(owner)) db.query('DELETE FROM work WHERE name = ? AND owner = ?').run(name, owner);
}
