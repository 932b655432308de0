import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { exclusively, type Image, isDead, type Owner, ownOwner } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import type { RunOptions } from '../options.ts';
import type { PortBinding } from '../ports/index.ts';
import { randomName } from './names.ts';

/** A container as it was last written down. */
export interface Container {
  /** 64 hexadecimal digits; the first twelve are what people see. */
  readonly id: string;
  readonly name: string;
  /** The image as the user named it, and its id. */
  readonly image: string;
  readonly imageId: string;
  /** The active snapshot that it writes to. */
  readonly snapshot: string;
  readonly options: RunOptions;
  readonly command: readonly string[];
  readonly status: 'created' | 'running' | 'exited';
  /** Init's pid in our pid namespace while it runs, and when it started, in clock ticks. */
  readonly pid: number | undefined;
  readonly pidStart: string | undefined;
  /** The shim that it was last started by. */
  readonly shim: Owner | undefined;
  readonly created: Date;
  readonly started: Date | undefined;
  readonly finished: Date | undefined;
  readonly exitCode: number | undefined;
  /** Whether the kernel has killed something in it for lack of memory; undefined: nobody knows. */
  readonly oomKilled: boolean | undefined;
  /** The host's ports that lead to it, as of when it was last started. */
  readonly ports: readonly PortBinding[];
}

/**
 * Writes down a new container and takes its name.
 *
 * @throws {ClocheError} `NAME_IN_USE`, `NAME_INVALID`
 */
export function insertContainer(
  engine: Engine,
  image: Image,
  options: RunOptions,
  command: readonly string[],
  prepare: (id: string) => string,
): Container {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
  if (options.name !== undefined) requireName(options.name);
  const { db } = engine.store;
  return exclusively(db, () => {
    const name = options.name ?? freeName(engine);
    if (options.name !== undefined) requireFree(engine, name);
    db.query(
      `INSERT INTO containers (id, name, image, image_id, snapshot, options, command, status, owner, created, remove)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'created', ?, ?, ?)`,
    ).run(
      ...[id, name, options.image, image.id, prepare(id), JSON.stringify(options)],
      ...[JSON.stringify(command), ownOwner(), Date.now(), options.remove ? 1 : 0],
    );
    return containerOf(engine, id);
  });
}

/** Says that we are about to start it. @returns false where another command is about to. */
export function claimContainer(engine: Engine, { id }: Container): boolean {
  return exclusively(engine.store.db, () => {
    const owner = ownerOf(engine, id);
    if (owner !== undefined && owner !== ownOwner() && !isDead(owner)) return false;
    updateContainer(engine, id, { owner: ownOwner() });
    return true;
  });
}

/**
 * Takes a run of a container that is over, to clear away after it: nobody starts it meanwhile.
 *
 * @returns false where another command is at it; undefined where it was: that run is no longer written down.
 */
export function claimEnded(engine: Engine, { id, pid }: Container): boolean | undefined {
  return exclusively(engine.store.db, () => {
    const now = rowOf(engine, 'id = ?', id);
    return now?.status === 'running' && now.pid === pid ? claimContainer(engine, now) : undefined;
  });
}

/** Takes a container from a process that has died. @returns false where somebody else has done so */
export function takeOver(engine: Engine, { id }: Container, dead: Owner): boolean {
  const query = engine.store.db.query('UPDATE containers SET owner = ? WHERE id = ? AND owner = ?');
  return query.run(ownOwner(), id, dead).changes === 1;
}

/** Says that nobody is about to start it: it stays as it is until somebody does. */
export function releaseContainer(engine: Engine, { id }: Container): void {
  updateContainer(engine, id, { owner: null });
}

/** The process that works on a container, if one does. */
export function ownerOf(engine: Engine, id: string): Owner | undefined {
  const row = engine.store.db
    .query<{ owner: Owner | null }, [string]>('SELECT owner FROM containers WHERE id = ?')
    .get(id);
  return row?.owner ?? undefined;
}

/** @throws {ClocheError} `CONTAINER_NOT_FOUND`, `NAME_IN_USE`, `NAME_INVALID` */
export function renameContainer(engine: Engine, text: string, name: string): void {
  requireName(name);
  exclusively(engine.store.db, () => {
    const { id } = getContainer(engine, text);
    requireFree(engine, name);
    updateContainer(engine, id, { name });
  });
}

function requireName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw new ClocheError('NAME_INVALID', `invalid container name '${name}'`, {
    class: 'invalid-argument',
    hint: 'only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
  });
}

function requireFree(engine: Engine, name: string): void {
  const other = rowOf(engine, 'name = ?', name);
  if (other === undefined) return;
  throw new ClocheError(
    'NAME_IN_USE',
    `the container name '${name}' is already in use by container '${other.id.slice(0, 12)}'`,
    { class: 'conflict', hint: `remove it (cloche rm -f ${name}) or choose another name` },
  );
}

/** Changes what is written down. Times are set by the caller. */
export function updateContainer(
  engine: Engine,
  id: string,
  change: Readonly<Record<string, string | number | null>>,
): void {
  const columns = Object.keys(change);
  engine.store.db
    .query(`UPDATE containers SET ${columns.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`)
    .run(...Object.values(change), id);
}

export function deleteRow(engine: Engine, id: string): void {
  engine.store.db.query('DELETE FROM containers WHERE id = ?').run(id);
}

/** By name, id or the beginning of an id. @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS` */
export function getContainer(engine: Engine, text: string): Container {
  const named = rowOf(engine, 'name = ?', text);
  if (named !== undefined) return named;
  const like = /^[0-9a-f]+$/.test(text) ? rowsOf(engine, "id GLOB ? || '*'", text) : [];
  if (like.length > 1)
    throw new ClocheError(
      'CONTAINER_AMBIGUOUS',
      `'${text}' is the beginning of ${like.length} ids`,
      {
        class: 'invalid-argument',
        hint: 'give more of its digits',
      },
    );
  const [only] = like;
  if (only === undefined)
    throw new ClocheError('CONTAINER_NOT_FOUND', `no such container: ${text}`, {
      class: 'not-found',
      hint: 'cloche ps --all lists what there is',
    });
  return only;
}

/** All containers, the newest first. */
export function allContainers(engine: Engine): Container[] {
  return rowsOf(engine, '1 = ? ORDER BY created DESC', 1);
}

/** The container's own directory: mount point, exit record, log, /etc files. */
export function directoryOf(engine: Engine, id: string): string {
  return join(engine.store.root, 'containers', id);
}

function containerOf(engine: Engine, id: string): Container {
  const found = rowOf(engine, 'id = ?', id);
  if (found === undefined) throw new ClocheError('CONTAINER_NOT_FOUND', `no such container: ${id}`);
  return found;
}

function rowOf(engine: Engine, where: string, key: string): Container | undefined {
  return rowsOf(engine, where, key)[0];
}

function rowsOf(engine: Engine, where: string, key: string | number): Container[] {
  return engine.store.db
    .query<Row, [string | number]>(`SELECT * FROM containers WHERE ${where}`)
    .all(key)
    .map(fromRow);
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly image_id: string;
  readonly snapshot: string;
  readonly options: string;
  readonly command: string;
  readonly status: Container['status'];
  readonly pid: number | null;
  readonly pid_start: string | null;
  readonly created: number;
  readonly started: number | null;
  readonly finished: number | null;
  readonly exit_code: number | null;
  readonly oom_killed: number | null;
  readonly ports: string | null;
  readonly shim: Owner | null;
}

function fromRow(row: Row): Container {
  const date = (time: number | null) => (time === null ? undefined : new Date(time));
  return {
    id: row.id,
    name: row.name,
    image: row.image,
    imageId: row.image_id,
    snapshot: row.snapshot,
    options: JSON.parse(row.options) as RunOptions,
    command: JSON.parse(row.command) as string[],
    status: row.status,
    pid: row.pid ?? undefined,
    pidStart: row.pid_start ?? undefined,
    shim: row.shim ?? undefined,
    created: new Date(row.created),
    started: date(row.started),
    finished: date(row.finished),
    exitCode: row.exit_code ?? undefined,
    oomKilled: row.oom_killed === null ? undefined : row.oom_killed > 0,
    ports: row.ports === null ? [] : (JSON.parse(row.ports) as PortBinding[]),
  };
}

function freeName({ store: { db } }: Engine): string {
  for (;;) {
    const name = randomName();
    if (db.query('SELECT 1 FROM containers WHERE name = ?').get(name) === null) return name;
  }
}
