import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { isRunning, sweep } from './claim.ts';
import { groupOf } from './group.ts';

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
  /** It ends with the command that runs it. */
  readonly bound?: boolean | undefined;
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

export function writeRecord(root: string, record: Record): void {
  const path = join(root, record.id, 'state.json');
  const fd = openSync(`${path}.new`, 'w', 0o600);
  writeSync(fd, JSON.stringify(record));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.new`, path);
}

function parseRecord(path: string): Record {
  return JSON.parse(readFileSync(path, 'utf8')) as Record;
}

/**
 * What is left of a container whose creation was killed goes when it is asked for.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`
 */
export async function readRecord(root: string, id: string): Promise<Record> {
  const path = join(root, id, 'state.json');
  await sweep(root);
  if (existsSync(path)) return parseRecord(path);
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

export function isAlive({ pid, pidStart }: Pick<Record, 'pid' | 'pidStart'>): boolean {
  return isRunning(pid, pidStart);
}

export async function allRecords(root: string): Promise<Record[]> {
  if (!existsSync(root)) return [];
  await sweep(root);
  return readdirSync(root)
    .map((id) => join(root, id, 'state.json'))
    .filter((path) => existsSync(path))
    .map(parseRecord);
}

/** Where init waits for `start`. It is there as long as nobody has started it. */
export function fifoPath(root: string, id: string): string {
  return join(root, id, 'start.fifo');
}
