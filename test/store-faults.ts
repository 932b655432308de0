import { Database } from 'bun:sqlite';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { familiar, parseReference } from '../src/image/index.ts';

/**
 * What is wrong with the store in a state directory, in words; nothing if it is consistent: each blob is
 * what its name says, what is written down is there and what is there is written down.
 */
export function storeFaults(root: string): string[] {
  const db = new Database(join(root, 'cloche.db'));
  db.run('PRAGMA busy_timeout = 20000');
  try {
    return [...damage(db), ...wrongBlobs(root), ...index(root, db), ...snapshots(root, db)];
  } finally {
    db.close();
  }
}

/** Blobs that nothing refers to, which stay until the next sweep. */
export function orphanBlobs(root: string): string[] {
  const db = new Database(join(root, 'cloche.db'));
  try {
    const needed = neededBlobs(root, db);
    return readdirSync(blobs(root)).filter((name) => !needed.has(name));
  } finally {
    db.close();
  }
}

const blobs = (root: string) => join(root, 'blobs/sha256');
const hex = (digest: string) => digest.replace('sha256:', '');

function damage(db: Database): string[] {
  const [check] = db.query<{ integrity_check: string }, []>('PRAGMA integrity_check').all();
  const foreign = db.query('PRAGMA foreign_key_check').all().length;
  return [
    ...(check?.integrity_check === 'ok' ? [] : [`integrity: ${check?.integrity_check}`]),
    ...(foreign === 0 ? [] : [`${foreign} rows refer to what is not there`]),
  ];
}

/** What was right once, and has not been touched since. */
const verified = new Map<string, string>();

function wrongBlobs(root: string): string[] {
  return readdirSync(blobs(root)).filter((name) => {
    const path = join(blobs(root), name);
    const { ino, size, ctimeMs } = statSync(path);
    const identity = [ino, size, ctimeMs].join();
    if (verified.get(path) === identity) return false;
    if (createHash('sha256').update(readFileSync(path)).digest('hex') !== name) return true;
    verified.set(path, identity);
    return false;
  });
}

function neededBlobs(root: string, db: Database): Set<string> {
  const images = db
    .query<{ manifest: string; config: string }, []>('SELECT manifest, config FROM images')
    .all();
  const layers = images.flatMap(({ manifest }) => {
    const path = join(blobs(root), hex(manifest));
    if (!existsSync(path)) return [];
    const read = JSON.parse(readFileSync(path, 'utf8')) as { layers: { digest: string }[] };
    return read.layers.map(({ digest }) => digest);
  });
  const snapshots = db.query<{ blob: string }, []>('SELECT blob FROM snapshots').all();
  const named = images.flatMap(({ manifest, config }) => [manifest, config]);
  return new Set([...named, ...layers, ...snapshots.map(({ blob }) => blob)].map(hex));
}

/** `index.json` says what the rows say; what they name is there. */
function index(root: string, db: Database): string[] {
  const rows = db
    .query<{ manifest: string; reference: string | null }, []>(
      'SELECT images.manifest, reference FROM images LEFT JOIN tags USING (manifest)',
    )
    .all()
    .map(({ manifest, reference }) =>
      [manifest, reference === null ? 'none' : familiar(parseReference(reference))].join(' '),
    );
  const { manifests } = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')) as {
    manifests: { digest: string; annotations?: Record<string, string> }[];
  };
  const said = manifests.map(({ digest, annotations }) =>
    [digest, annotations?.['org.opencontainers.image.ref.name'] ?? 'none'].join(' '),
  );
  const missing = [...neededBlobs(root, db)].filter((name) => !existsSync(join(blobs(root), name)));
  return [...differences('index.json', said, rows), ...missing.map((name) => `no blob ${name}`)];
}

function snapshots(root: string, db: Database): string[] {
  const chains = db.query<{ chain: string }, []>('SELECT chain FROM snapshots').all();
  const active = db.query<{ id: string }, []>('SELECT id FROM active').all();
  const rows = [
    ...chains.map(({ chain }) => hex(chain)),
    ...active.map(({ id }) => `active-${id}`),
  ];
  return differences('snapshots', readdirSync(join(root, 'snapshots')), rows);
}

function differences(where: string, found: readonly string[], rows: readonly string[]): string[] {
  return [
    ...found.filter((one) => !rows.includes(one)).map((one) => `${where}: no row of ${one}`),
    ...rows
      .filter((one) => !found.includes(one))
      .map((one) => `${where}: nothing but a row ${one}`),
  ];
}
