import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { readStat } from '../../linux/proc/index.ts';
import { endGroup } from './group.ts';

/**
 * Whose a container is as long as a command works on it. Its directory holds the name of that process from
 * the first moment on, so that whatever is left of one that was killed can be told and cleared away.
 */

/** In a container's directory: pid and start time of the process that creates it, and the cgroup. */
const OWNER = 'owner';

/** Takes the id; the directory is the container's own. @throws {ClocheError} `CONTAINER_EXISTS`, `ID_INVALID` */
export async function claim(root: string, id: string): Promise<string> {
  if (!/^[\w+.-]+$/.test(id) || id === '.' || id === '..')
    throw new ClocheError('ID_INVALID', `invalid container ID '${id}'`, {
      class: 'invalid-argument',
      hint: 'letters, digits and any of _ + - .',
    });
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await clearAbandoned(root, id);
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
export async function clearAbandoned(root: string, id: string): Promise<void> {
  if (!existsSync(join(root, id)) || existsSync(join(root, id, 'state.json'))) return;
  const { pid, startTime } = ownerOf(root, id);
  const stat = pid === '' ? undefined : readStat(Number(pid));
  if (stat !== undefined && stat.state !== 'Z' && String(stat.startTime) === startTime) return;
  await abandon(root, id);
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
