import { closeSync, constants, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { soon } from '../../linux/soon.ts';
import type { Hooks } from '../spec.ts';
import { cgroupPathOf } from './bundle.ts';
import { forget } from './claim.ts';
import { endGroup, groupOf, signalTo } from './group.ts';
import { runHooks, runHooksAnyway } from './hooks.ts';
import { started } from './outcome.ts';
import { fifoPath, isAlive, type Record, readRecord, specOf, stateOf } from './state.ts';

/**
 * Lets the program of a created container begin.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_CREATED`; `HOOK_FAILED`, `COMMAND_NOT_EXECUTABLE`,
 *   `STEP_FAILED`: then it has ended
 */
export async function start(root: string, id: string): Promise<void> {
  const record = await readRecord(root, id);
  const { status } = stateOf(root, record);
  if (status !== 'created') throw notCreated(REFUSAL[status], id);
  await started(join(root, id), () => giveSign(fifoPath(root, id), id));
  try {
    await runHooks(specOf(root, record).hooks?.poststart, stateOf(root, record));
  } catch (error) {
    // Whoever is told that it was not started shall not find it running.
    signalTo(record.pid, SIGKILL);
    throw error;
  }
}

/** @throws {ClocheError} `CONTAINER_NOT_CREATED`: init has died since we looked */
function giveSign(fifo: string, id: string): void {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(fd, 'g');
    closeSync(fd);
    // Of two who start it at once one finds it, and only that one has started it.
    rmSync(fifo);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw notCreated(REFUSAL.running, id);
    if (code !== 'ENXIO' && code !== 'EPIPE') throw error;
    throw notCreated(REFUSAL.stopped, id);
  }
}

const SIGKILL = 9;

/** In runc's words. */
const REFUSAL = {
  creating: 'cannot start a container in the creating state',
  running: 'cannot start an already running container',
  paused: 'cannot start a container in the paused state',
  stopped: 'cannot start a container that has stopped',
};

function notCreated(message: string, id: string): ClocheError {
  return new ClocheError('CONTAINER_NOT_CREATED', message, {
    class: 'conflict',
    hint: `cloche oci state ${id}`,
  });
}

/** Sends a signal to init, or with `all` to everybody in its cgroup. @throws {ClocheError} `CONTAINER_NOT_RUNNING` */
export async function kill(root: string, id: string, signal: number, all: boolean): Promise<void> {
  const record = await readRecord(root, id);
  if (all) {
    for (const pid of groupOf(record)?.processes() ?? []) signalTo(pid, signal);
    return;
  }
  if (isAlive(record) && signalTo(record.pid, signal)) {
    const group = groupOf(record);
    // On v1, who is frozen dies only when thawed.
    if (signal === SIGKILL && group?.directory('freezer') !== undefined) group.thaw();
    return;
  }
  throw new ClocheError('CONTAINER_NOT_RUNNING', 'container not running', {
    class: 'conflict',
    hint: `cloche oci state ${id}`,
  });
}

export interface RemoveOptions {
  /** Kill it first if it runs. */
  readonly force: boolean;
  /** Told what failed of what comes after the container's end. */
  readonly onWarnings?: ((warnings: readonly string[]) => void) | undefined;
}

/** Removes what is left of a stopped container. @throws {ClocheError} `CONTAINER_NOT_STOPPED` */
export async function remove(
  root: string,
  id: string,
  { force, onWarnings }: RemoveOptions,
): Promise<void> {
  const record = await readRecord(root, id).catch(async (error) => {
    if (!force) throw error;
    await removeUnreadable(root, id, error);
    return undefined;
  });
  if (record === undefined) return;
  const state = stateOf(root, record);
  if (state.status !== 'stopped') {
    if (!force && state.status !== 'created')
      throw new ClocheError(
        'CONTAINER_NOT_STOPPED',
        `cannot delete container ${id} that is not stopped: ${state.status}`,
        {
          class: 'conflict',
          hint: 'kill it first, or use --force',
        },
      );
    signalTo(record.pid, 'SIGKILL');
  }
  await endGroup(record);
  await soon(5000, () => !isAlive(record));
  const hooks = hooksOf(root, record);
  forget(root, id);
  await runHooksAnyway(hooks?.poststop, { ...state, status: 'stopped', pid: 0 }, onWarnings);
}

/** A hook that cannot be told any more keeps nobody from deleting. */
function hooksOf(root: string, record: Record): Hooks | undefined {
  try {
    return specOf(root, record).hooks;
  } catch {
    return undefined;
  }
}

/** By force, what cannot be read goes, too, and what is not there is gone. @throws any other error */
async function removeUnreadable(root: string, id: string, error: unknown): Promise<void> {
  const code = error instanceof ClocheError ? error.code : '';
  if (code === 'CONTAINER_NOT_FOUND') return;
  if (code !== 'STATE_BROKEN') throw error;
  const known = existsSync(join(root, id, 'config.json'));
  const spec = known ? specOf(root, { id, bundle: '' }) : { ociVersion: '' };
  await endGroup({ cgroup: cgroupPathOf(spec, id) });
  forget(root, id);
}
