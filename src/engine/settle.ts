import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ClocheError } from '../error.ts';
import { isDead, type Owner, reconcile } from '../image/index.ts';
import { exitCodeOf } from '../linux/signals.ts';
import { soon } from '../linux/soon.ts';
import { CGROUP_PARENT, type Engine } from './engine.ts';
import { abandonPorts } from './ports/index.ts';
import { startTimeOf } from './processes.ts';
import {
  allContainers,
  type Container,
  directoryOf,
  ownerOf,
  releaseContainer,
  updateContainer,
} from './records.ts';
import { removeEnded } from './remove.ts';

/**
 * Brings what is written down in line with what is true: containers that have ended while nobody
 * watched, commands that were killed halfway. Every command that looks at containers begins with it.
 *
 * @param except a container that somebody watches
 */
export async function settleAll(engine: Engine, except?: string): Promise<void> {
  for (const container of allContainers(engine))
    if (container.id !== except) await unlessBusy(settle(engine, container));
  await removeDeadCgroups(engine);
  await reconcile(engine.store);
}

async function settle(engine: Engine, container: Container): Promise<void> {
  if (container.status === 'running') await settleRunning(engine, container);
  else await settleIdle(engine, container);
}

/** A cgroup in which somebody else has put a process keeps nobody from his work: later, perhaps. */
async function unlessBusy(settling: Promise<void>): Promise<void> {
  try {
    await settling;
  } catch (error) {
    if (!(error instanceof ClocheError) || error.code !== 'CGROUP_BUSY') throw error;
  }
}

/** A RUN's cgroup bears the name of the build that made it; that may have been killed. */
async function removeDeadCgroups(engine: Engine): Promise<void> {
  const ids = new Set<string>();
  for (const { mountPoint } of engine.hierarchies.all)
    for (const entry of readdirSync(`${mountPoint}${CGROUP_PARENT}`))
      if (entry.includes('+')) ids.add(entry);
  for (const id of ids)
    if (isDead((id.split('+')[0] ?? '') as Owner)) await unlessBusy(removeCgroup(engine, id));
}

/**
 * Notes how a container ended that was running when it was last looked at; does nothing to one that
 * still runs. @returns its exit code
 */
export async function settleRunning(engine: Engine, container: Container): Promise<number> {
  if (isAlive(container)) return 0;
  await shimEnded(container);
  const record = exitRecordOf(engine, container.id);
  // The shim that writes the record and clears away may have been killed together with it.
  await removeCgroup(engine, container.id);
  await abandonPorts(container);
  const { exitCode } = noteExit(engine, container.id, record ?? { exitCode: 137 });
  if (container.options.remove) await removeEnded(engine, container.id);
  return exitCode;
}

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
 * Created, or ended: it is being started right now, or whoever started it has died halfway, or it
 * waits to be started.
 */
async function settleIdle(engine: Engine, container: Container): Promise<void> {
  const { id, options, status } = container;
  const owner = ownerOf(engine, id);
  if (owner !== undefined) {
    if (!isDead(owner)) return;
    await removeCgroup(engine, id);
    await abandonPorts(container);
    releaseContainer(engine, container);
  }
  if (options.remove && (owner !== undefined || status === 'exited')) await removeEnded(engine, id);
}

/** Whether the container's init is the process that we started. */
export function isAlive(container: Container): boolean {
  return (
    container.status === 'running' &&
    container.pid !== undefined &&
    startTimeOf(container.pid) === container.pidStart
  );
}

export function noteExit(engine: Engine, id: string, exit: Exit): Exit {
  const { exitCode, time = Date.now(), oomKilled } = exit;
  updateContainer(engine, id, {
    ...{ status: 'exited', exit_code: exitCode, finished: time, pid: null, owner: null },
    oom_killed: oomKilled === undefined ? null : Number(oomKilled),
  });
  return exit;
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
  const { openCgroup } = await import('../linux/cgroup/index.ts');
  try {
    await openCgroup(engine.hierarchies, `${CGROUP_PARENT}/${id}`).remove();
  } catch (error) {
    // The shim was quicker.
    if (!(error instanceof ClocheError) || error.code !== 'CGROUP_NOT_FOUND') throw error;
  }
}

function hasCgroup(engine: Engine, id: string): boolean {
  const path = `${CGROUP_PARENT}/${id}`;
  return engine.hierarchies.all.some((tree) => existsSync(`${tree.mountPoint}${path}`));
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
