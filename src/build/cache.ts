import { type ChainId, type Digest, digestOf, type Store } from '../image/index.ts';
import type { Operation } from './graph.ts';
import type { FileFacts } from './step.ts';

/** What a step's result depends on. */
export interface StepKey {
  readonly op: Operation;
  /** What it stands on. */
  readonly parent: ChainId | null;
  /** JSON: see `Step`. */
  readonly facts: unknown;
  /** Seconds. Nothing that it made is newer (`epochOf`): with another one, or none, it is not the same. */
  readonly epoch?: number | undefined;
}

/** A step that was done: its key, and what it looked at, for whoever asks what is different now. */
export interface Remembered extends StepKey {
  readonly files: FileFacts;
}

/** Of a step with more files the single ones are not noted. */
const MAX_FILES = 5000;

/** When a step was used last is known to so many milliseconds: a build of cached steps need not write. */
const USED_EXACTLY = 60_000;

/** The snapshot that a step with this key gave before; undefined if none did. */
export function cached(store: Store, key: StepKey): ChainId | undefined {
  const digest = digestOfKey(key);
  const row = store.db
    .query<{ chain: ChainId; used: number }, [string]>(
      'SELECT chain, used FROM cache WHERE key = ?',
    )
    .get(digest);
  if (row === null) return undefined;
  if (Date.now() - row.used > USED_EXACTLY)
    store.db.query('UPDATE cache SET used = ? WHERE key = ?').run(Date.now(), digest);
  return row.chain;
}

/** Remembers what a step gave. Its snapshot stays until the cache is cleared. */
export function remember(
  store: Store,
  key: StepKey,
  chain: ChainId,
  files: FileFacts = new Map(),
): void {
  const noted = files.size > MAX_FILES ? [] : [...files];
  const value = JSON.stringify({ ...key, files: noted });
  store.db
    .query('INSERT OR REPLACE INTO cache (key, chain, value, used) VALUES (?, ?, ?, ?)')
    .run(digestOfKey(key), chain, value, Date.now());
}

/** The steps that the cache knows, the last used first. */
export function rememberedSteps(store: Store): Remembered[] {
  return store.db
    .query<{ value: string }, []>('SELECT value FROM cache ORDER BY used DESC')
    .all()
    .flatMap(({ value }) => {
      const { op, parent, facts, epoch, files } = JSON.parse(value) as Partial<Remembered>;
      // Of those that an older cloche remembered nothing is known.
      if (op === undefined || parent === undefined) return [];
      return [{ op, parent, facts, epoch, files: new Map(files) }];
    });
}

/**
 * Forgets what RUNs gave whose directory and command, `/app /bin/sh -c npm ci`, match: they run anew.
 */
export function forgetRuns(store: Store, pattern: RegExp): void {
  for (const step of rememberedSteps(store))
    if (step.op.kind === 'run' && pattern.test(`${step.op.cwd} ${step.op.argv.join(' ')}`))
      store.db.query('DELETE FROM cache WHERE key = ?').run(digestOfKey(step));
}

export function digestOfKey({ op, parent, facts, epoch }: StepKey): Digest {
  return digestOf(JSON.stringify([op, parent, facts, ...(epoch === undefined ? [] : [epoch])]));
}
