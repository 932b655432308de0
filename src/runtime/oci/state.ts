import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { readStat } from '../../linux/proc/index.ts';
import { endGroup, groupOf } from './group.ts';

/** What is written down about a container of `cloche oci`. */
export interface Record {
  readonly id: string;
  readonly bundle: string;
  readonly annotations: Readonly<{ [key: string]: string }>;
  /** Init's pid and when it started, in clock ticks; 0 while it is being created. */
  readonly pid: number;
  readonly pidStart: string;
  readonly created: string;
  /** Its cgroup, as a path in each hierarchy. */
  readonly cgroup: string;
}

/** The state that the runtime-spec defines (runtime.md), as runc prints it. */
export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<{ [key: string]: string }>;
  readonly created: string;
}

/** Takes the id; the directory is the container's own. @throws {ClocheError} `CONTAINER_EXISTS`, `ID_INVALID` */
export async function claim(root: string, id: string): Promise<string> {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..')
    throw new ClocheError('ID_INVALID', `invalid container ID '${id}'`, {
      class: 'invalid-argument',
      hint: 'letters, digits and any of _ + - .',
    });
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await clearAbandoned(root, id);
  // With its owner's name in it from the first moment on, it can always be told whose it is.
  const own = join(root, `.${id}.${process.pid}`);
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { mode: 0o711 });
  writeFileSync(join(own, OWNER), owner(''));
  try {
    renameSync(own, join(root, id));
  } catch (cause) {
    rmSync(own, { recursive: true, force: true });
    throw new ClocheError('CONTAINER_EXISTS', `container with given ID already exists: '${id}'`, {
      class: 'conflict',
      hint: `cloche oci delete ${id} removes it once it has stopped`,
      cause,
    });
  }
  return join(root, id);
}

/**
 * Writes down which cgroup a container that is being created has. Not before that is known to be nobody
 * else's: what is left of a killed create is ended, whoever is in it.
 */
export function claimGroup(root: string, id: string, cgroup: string): void {
  writeFileSync(join(root, id, OWNER), owner(cgroup));
}

function owner(cgroup: string): string {
  return `${process.pid} ${readStat('self')?.startTime} ${cgroup}`;
}

/** Takes away what is left where whoever began to create a container was killed on the way. */
async function clearAbandoned(root: string, id: string): Promise<void> {
  if (!existsSync(join(root, id)) || existsSync(join(root, id, 'state.json'))) return;
  const [pid = '', startTime, cgroup = ''] = readText(join(root, id, OWNER)).split(' ');
  const stat = pid === '' ? undefined : readStat(Number(pid));
  if (stat !== undefined && stat.state !== 'Z' && String(stat.startTime) === startTime) return;
  await endGroup({ cgroup });
  forget(root, id);
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** In a container's directory: pid and start time of the process that creates it, and the cgroup. */
const OWNER = 'owner';

export function writeRecord(root: string, record: Record): void {
  const path = join(root, record.id, 'state.json');
  const fd = openSync(`${path}.new`, 'w', 0o600);
  writeSync(fd, JSON.stringify(record));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.new`, path);
}

/**
 * What is left of a container whose creation was killed goes when it is asked for.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`
 */
export async function readRecord(root: string, id: string): Promise<Record> {
  const path = join(root, id, 'state.json');
  await clearAbandoned(root, id);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as Record;
  throw new ClocheError('CONTAINER_NOT_FOUND', `container does not exist: '${id}'`, {
    class: 'not-found',
    hint: 'cloche oci list shows what there is; --root names another place',
  });
}

export function stateOf(root: string, record: Record): State {
  const { id, bundle, annotations, created } = record;
  const alive = isAlive(record);
  return {
    ociVersion: '1.2.0',
    id,
    status: statusOf(root, record, alive),
    pid: alive ? record.pid : 0,
    bundle,
    annotations,
    created,
  };
}

function statusOf(root: string, record: Record, alive: boolean): State['status'] {
  if (record.pid === 0) return 'creating';
  if (!alive) return 'stopped';
  const group = groupOf(record);
  if (group?.directory('freezer') !== undefined && group.isFrozen()) return 'paused';
  return existsSync(fifoPath(root, record.id)) ? 'created' : 'running';
}

export function isAlive({ pid, pidStart }: Record): boolean {
  const stat = pid === 0 ? undefined : readStat(pid);
  return stat !== undefined && stat.state !== 'Z' && String(stat.startTime) === pidStart;
}

export async function allRecords(root: string): Promise<Record[]> {
  if (!existsSync(root)) return [];
  const ids = readdirSync(root).filter((id) => existsSync(join(root, id, 'state.json')));
  return await Promise.all(ids.map((id) => readRecord(root, id)));
}

export function forget(root: string, id: string): void {
  rmSync(join(root, id), { recursive: true, force: true });
}

/** Where init waits for `start`. It is there as long as nobody has started it. */
export function fifoPath(root: string, id: string): string {
  return join(root, id, 'start.fifo');
}
