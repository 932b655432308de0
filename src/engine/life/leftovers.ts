import { type Dirent, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../../error.ts';
import { isDead } from '../../image/index.ts';
import { unlessGone } from '../../linux/proc/read.ts';
import { exitCodeOf } from '../../linux/signals.ts';
import { soon } from '../../linux/soon.ts';
import { CGROUP_PARENT, type Engine } from '../engine.ts';
import { type Container, directoryOf } from './records.ts';

/** What is left of a container after its end: its shim for a moment, what that has written down, its cgroup. */

/** How a container has ended. */
export interface Exit {
  readonly exitCode: number;
  /** Milliseconds since the epoch; by default now. */
  readonly time?: number | undefined;
  /** Undefined: nobody knows. */
  readonly oomKilled?: boolean | undefined;
}

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

/** What the shim has written down, as `exitRecordSteps` does (`runtime/birth/exit-record.ts`); undefined if it was killed. */
export function exitRecordOf(engine: Engine, id: string): Exit | undefined {
  const path = join(directoryOf(engine, id), 'exit');
  if (!existsSync(path)) return undefined;
  const bytes = new Uint8Array(readFileSync(path));
  if (bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer);
  const seconds = Number(view.getBigUint64(8, true));
  const [, kills] = /^oom_kill (\d+)$/m.exec(Buffer.from(bytes.subarray(24)).toString()) ?? [];
  return {
    exitCode: exitCodeOf(view.getUint32(0, true)),
    time: seconds * 1000,
    oomKilled: kills === undefined ? undefined : Number(kills) > 0,
  };
}
