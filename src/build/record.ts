import { exclusively, type Store } from '../image/index.ts';
import type { OnEvent } from './progress.ts';
import { buildTables } from './tables.ts';

/** What a build did, kept in the store: the proof of which steps ran and which were cached. */
export interface BuildRecord {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly started: number;
  readonly finished: number;
  readonly tags: readonly string[];
  /** The image's id; null where the build failed, or gave files and no image. */
  readonly image: string | null;
  /** Why it failed. */
  readonly error?: string | undefined;
  /** In the order in which they began. */
  readonly steps: readonly StepRecord[];
}

export interface StepRecord {
  /** `[build 2/4] RUN make` */
  readonly name: string;
  /** `RUN make`, for steps of the Dockerfile. */
  readonly instruction?: string | undefined;
  /** Its stage's name, if that has one or there are several. */
  readonly stage?: string | undefined;
  /** Its result was there from an earlier build, and nothing was done. */
  readonly cached: boolean;
  readonly milliseconds: number;
  readonly error?: string | undefined;
}

/** So many records are kept. */
const KEPT = 50;

/** Listens to a build's events, and makes the record of them. */
export function recorder(tags: readonly string[], now: () => number = Date.now) {
  const steps = new Map<number, StepRecord & { readonly began: number }>();
  const started = now();
  const onEvent: OnEvent = (event) => {
    const at = now();
    if (event.kind === 'begin')
      return void steps.set(event.step, { ...begun(event.name), began: at });
    const step = steps.get(event.step);
    if (step === undefined || event.kind === 'output') return;
    steps.set(event.step, {
      ...step,
      cached: event.kind === 'cached',
      milliseconds: at - step.began,
      ...(event.kind === 'failed' ? { error: event.message } : {}),
    });
  };
  const end = (result: { readonly id: string | null } | Error): BuildRecord => ({
    ...{ id: crypto.randomUUID(), started, finished: now(), tags },
    ...(result instanceof Error ? { image: null, error: result.message } : { image: result.id }),
    steps: [...steps.values()].map(({ began: _, ...step }) => step),
  });
  return { onEvent, end };
}

/** Keeps a record, and forgets the oldest. */
export function keepRecord(store: Store, record: BuildRecord): void {
  const db = buildTables(store);
  exclusively(db, () => {
    db.query('INSERT INTO builds (id, started, record) VALUES (?, ?, ?)').run(
      ...[record.id, record.started, JSON.stringify(record)],
    );
    db.query('DELETE FROM builds WHERE rowid <= (SELECT max(rowid) FROM builds) - ?').run(KEPT);
  });
}

/** Takes away the records that `which` says yes to. */
export function forgetRecords(store: Store, which: (record: BuildRecord) => boolean): void {
  for (const record of lastBuilds(store))
    if (which(record)) store.db.query('DELETE FROM builds WHERE id = ?').run(record.id);
}

/** The records of the last builds, the newest first, also of those that failed. */
export function lastBuilds(store: Store, count: number = KEPT): BuildRecord[] {
  return buildTables(store)
    .query<{ record: string }, [number]>('SELECT record FROM builds ORDER BY rowid DESC LIMIT ?')
    .all(count)
    .map(({ record }) => JSON.parse(record) as BuildRecord);
}

function begun(name: string): StepRecord {
  const [, stage, instruction] = /^\[(?:(.+) )?\d+\/\d+\] (.*)$/s.exec(name) ?? [];
  return { name, instruction, stage, cached: false, milliseconds: 0 };
}
