import { type ChainId, type Digest, digestOf, exclusively, type Store } from '../../image/index.ts';
import type { CopyOperation } from '../graph.ts';
import { buildTables } from '../tables.ts';

/** So many are remembered. */
const KEPT = 2000;

/**
 * What stands for files, so that while it is the same they are: of a stage or an image, which never change,
 * the chainID; of a build context what `glance` says of it.
 */
export type Source = ChainId | Digest;

/** The digest of what a COPY takes of files, if it was asked for before: nothing of them is read then. */
export function knownFacts(store: Store, op: CopyOperation, source: Source): Digest | undefined {
  const query = 'SELECT facts FROM copied WHERE key = ?';
  return buildTables(store).query<{ facts: Digest }, [string]>(query).get(keyOf(op, source))?.facts;
}

/** Remembers the answer, and forgets the oldest. */
export function keepFacts(store: Store, op: CopyOperation, source: Source, facts: Digest): void {
  const db = buildTables(store);
  exclusively(db, () => {
    db.query('INSERT OR REPLACE INTO copied VALUES (?, ?)').run(keyOf(op, source), facts);
    db.query(
      'DELETE FROM copied WHERE rowid NOT IN (SELECT rowid FROM copied ORDER BY rowid DESC LIMIT ?)',
    ).run(KEPT);
  });
}

/** Only what chooses files: not where they go. */
function keyOf({ sources, exclude, parents }: CopyOperation, source: Source): Digest {
  return digestOf(JSON.stringify([source, sources, exclude, parents]));
}
