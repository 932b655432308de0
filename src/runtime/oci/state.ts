import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import type { Spec } from '../spec.ts';
import { readBundle } from './bundle.ts';
import { isRunning, requireId, sweep } from './claim.ts';
import { groupOf } from './group.ts';

/** What is written down about a container of `cloche oci`. */
export interface Record {
  readonly id: string;
  readonly bundle: string;
  /** Absolute, as it was found at create. */
  readonly rootfs?: string | undefined;
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

/** @throws {ClocheError} `STATE_BROKEN` */
function parseRecord(root: string, id: string): Record {
  const path = join(root, id, 'state.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record;
  } catch (cause) {
    throw new ClocheError('STATE_BROKEN', `load container ${id}: '${path}' is no JSON`, {
      hint: `cloche oci delete --force ${id} takes away what is left of it`,
      cause,
    });
  }
}

/** What a container was made from: its bundle may change, and be removed, while it lives. */
export function noteSpec(root: string, id: string, spec: Spec): void {
  writeFileSync(join(root, id, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
}

/** As it was when the container was created. */
export function specOf(root: string, { id, bundle }: Pick<Record, 'id' | 'bundle'>): Spec {
  const path = join(root, id, 'config.json');
  if (!existsSync(path)) return readBundle(bundle).spec;
  return JSON.parse(readFileSync(path, 'utf8')) as Spec;
}

/**
 * What is left of a container whose creation was killed goes when it is asked for.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `STATE_BROKEN`, `ID_INVALID`
 */
export async function readRecord(root: string, id: string): Promise<Record> {
  requireId(id);
  const path = join(root, id, 'state.json');
  await sweep(root);
  if (existsSync(path)) return parseRecord(root, id);
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

/** The state as `state` and `list` print it: with what runc adds, the rootfs and whose container it is. */
export function listed(root: string, record: Record) {
  const { created, annotations, ...state } = stateOf(root, record);
  const { uid } = statSync(join(root, record.id));
  return { ...state, rootfs: record.rootfs ?? '', created, annotations, owner: userName(uid) };
}

/** Source: passwd(5). */
function userName(uid: number): string {
  const file = '/etc/passwd';
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const fields = lines.map((line) => line.split(':')).find(([, , own]) => own === String(uid));
  return fields?.[0] ?? String(uid);
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

/** @param onWarnings told of those that cannot be read */
export async function allRecords(
  root: string,
  onWarnings?: (warnings: readonly string[]) => void,
): Promise<Record[]> {
  if (!existsSync(root)) return [];
  await sweep(root);
  const ids = readdirSync(root).filter((id) => existsSync(join(root, id, 'state.json')));
  return ids.flatMap((id) => {
    try {
      return [parseRecord(root, id)];
    } catch (error) {
      onWarnings?.([(error as Error).message]);
      return [];
    }
  });
}

/** Where init waits for `start`. It is there as long as nobody has started it. */
export function fifoPath(root: string, id: string): string {
  return join(root, id, 'start.fifo');
}
