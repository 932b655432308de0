import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { isDead } from '../../image/index.ts';
import { unlessGone } from '../../linux/proc/read.ts';
import { soon } from '../../linux/soon.ts';
import { CGROUP_PARENT, type Engine } from '../engine.ts';
import type { Container } from './records.ts';

/** What is left of a container after its end: its shim for a moment, its cgroup. */

/**
 * Waits until a container's shim has written its record, given back its ports and cleared away, all of
 * which it does a moment after the end. One that was killed never will; one that cannot end, since
 * nobody takes what the container has said, is not waited for longer than that.
 */
export async function shimEnded({ shim }: Container): Promise<void> {
  if (shim !== undefined) await soon(2000, () => isDead(shim));
}

/**
 * Removes a container's cgroup; nothing where there is none. Who is dying in it gets time to go, so
 * wait for this before its record is deleted: nobody would know of the cgroup any more.
 *
 * @throws {ClocheError} `CGROUP_BUSY`
 */
export async function removeCgroup(engine: Engine, id: string): Promise<void> {
  if (!hasCgroup(engine, id)) return;
  // Loaded when needed: nearly always the shim has done it.
  const { openCgroup } = await import('../../linux/cgroup/index.ts');
  try {
    await openCgroup(engine.hierarchies, `${CGROUP_PARENT}/${id}`).remove();
  } catch (error) {
    // The shim was quicker.
    if (!(error instanceof ClocheError) || error.code !== 'CGROUP_NOT_FOUND') throw error;
  }
}

/** What lies in our parent cgroup, of all hierarchies; before the first container there is none. */
export function cgroupEntries({ mounted }: Engine): Dirent[] {
  const groups = mounted.all.map(({ mountPoint }) => `${mountPoint}${CGROUP_PARENT}`);
  const read = (group: string) => unlessGone(() => readdirSync(group, { withFileTypes: true }));
  return groups.flatMap((group) => read(group) ?? []);
}

function hasCgroup(engine: Engine, id: string): boolean {
  const path = `${CGROUP_PARENT}/${id}`;
  return engine.mounted.all.some((tree) => existsSync(`${tree.mountPoint}${path}`));
}
