import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { startTimeOf } from '../../linux/proc/start-time.ts';
import { endGroup } from './group.ts';

/**
 * Whose a container is as long as a command works on it. Its directory holds the name of that process from
 * the first moment on, so that whatever is left of one that was killed can be told and cleared away.
 */

/** In a container's directory: pid and start time of the process that creates it, and the cgroup. */
const OWNER = 'owner';

/** Takes the id; the directory is the container's own. @throws {ClocheError} `CONTAINER_EXISTS`, `ID_INVALID`, `NOT_ROOT` */
export async function claim(root: string, id: string): Promise<string> {
  requireId(id);
  requireRoot();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await sweep(root);
  // No id has an @ in it.
  const own = join(root, `@${id}@${process.pid}`);
  try {
    mkdirSync(own, { mode: 0o711 });
    writeFileSync(join(own, OWNER), owner(''));
    renameSync(own, join(root, id));
  } catch (cause) {
    rmSync(own, { recursive: true, force: true });
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    throw new ClocheError('CONTAINER_EXISTS', `container with given ID already exists: '${id}'`, {
      class: 'conflict',
      hint: `cloche oci delete ${id} removes it once it has stopped`,
      cause,
    });
  }
  return join(root, id);
}

function requireRoot(): void {
  if (process.geteuid?.() === 0) return;
  throw new ClocheError('NOT_ROOT', 'rootless containers are not supported', {
    class: 'permission-denied',
    hint: 'run it as root',
  });
}

/** An id is the name of a directory, and nothing of the user's leads out of the root. @throws {ClocheError} `ID_INVALID` */
export function requireId(id: string): void {
  if (/^[\w+.-]+$/.test(id) && id !== '.' && id !== '..') return;
  throw new ClocheError('ID_INVALID', `invalid container ID '${id}'`, {
    class: 'invalid-argument',
    hint: 'letters, digits and any of _ + - .',
  });
}

/**
 * Writes down which cgroup a container that is being created has. Not before that is known to be nobody
 * else's: what is left of a killed create is ended, whoever is in it.
 */
export function claimGroup(root: string, id: string, cgroup: string): void {
  const path = join(root, id, OWNER);
  writeFileSync(`${path}.new`, owner(cgroup));
  renameSync(`${path}.new`, path);
}

function owner(cgroup: string): string {
  return `${process.pid} ${startTimeOf(process.pid)} ${cgroup}`;
}

/** A container is known and lives on without the process that made it. */
export function release(root: string, id: string): void {
  rmSync(join(root, id, OWNER), { force: true });
}

/**
 * Takes away what is left of containers whose process was killed: while it created them, or while it ran
 * one that was bound to it. One that cannot be cleared away yet is the next command's.
 */
export async function sweep(root: string): Promise<void> {
  if (!existsSync(root)) return;
  for (const id of readdirSync(root)) {
    const [, unclaimed, pid] = id.split('@');
    if (unclaimed !== undefined && startTimeOf(Number(pid)) === undefined) forget(root, id);
    else await clearAbandoned(root, id).catch(() => undefined);
  }
}

async function clearAbandoned(root: string, id: string): Promise<void> {
  if (!existsSync(join(root, id, OWNER)) || isOwned(root, id)) return;
  // It was killed with its work all but done.
  if (isComplete(join(root, id, 'state.json'))) release(root, id);
  else await abandon(root, id);
}

function isOwned(root: string, id: string): boolean {
  const { pid, startTime } = ownerOf(root, id);
  return isRunning(Number(pid), startTime);
}

/** Whether this is the record of a container that lives, and may without who made it. */
function isComplete(file: string): boolean {
  if (!existsSync(file)) return false;
  const { bound, pid, pidStart } = JSON.parse(readFileSync(file, 'utf8'));
  return bound !== true && isRunning(pid, pidStart);
}

/** Whether the process with this pid is the one that began at `startTime`, and has not ended. */
export function isRunning(pid: number, startTime: string): boolean {
  return pid > 0 && startTimeOf(pid) === startTime;
}

/**
 * Ends what was made of a container that is claimed, and forgets it.
 *
 * @throws {ClocheError} `CGROUP_BUSY`: then it is still known, and the next command tries again
 */
export async function abandon(root: string, id: string): Promise<void> {
  await endGroup(ownerOf(root, id));
  forget(root, id);
}

function ownerOf(root: string, id: string) {
  const path = join(root, id, OWNER);
  const said = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [pid = '', startTime = '', ...cgroup] = said.split(' ');
  return { pid, startTime, cgroup: cgroup.join(' ') };
}

export function forget(root: string, id: string): void {
  rmSync(join(root, id), { recursive: true, force: true });
}
