import { ClocheError } from '../../error.ts';
import { isDead, type Owner, reconcile } from '../../image/index.ts';
import { soon } from '../../linux/soon.ts';
import type { Engine } from '../engine.ts';
import { abandonPorts } from '../ports/index.ts';
import { type Exit, exitRecordOf } from './exit-record.ts';
import { cgroupEntries, removeCgroup, shimEnded } from './leftovers.ts';
import { isAlive } from './processes.ts';
import {
  allContainers,
  type Container,
  claimEnded,
  ownerOf,
  releaseContainer,
  takeOver,
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
  const names = cgroupEntries(engine).map(({ name }) => name);
  for (const id of new Set(names.filter((name) => name.includes('+'))))
    if (isDead((id.split('+')[0] ?? '') as Owner)) await unlessBusy(removeCgroup(engine, id));
}

/**
 * Notes how a container ended that was running when it was last looked at; does nothing to one that
 * still runs. @param read reads its record, once that is written. @returns its exit code
 */
export async function settleRunning(
  engine: Engine,
  container: Container,
  read: () => Exit | undefined = () => exitRecordOf(engine, container.id),
): Promise<number> {
  if (isAlive(container)) return 0;
  await shimEnded(container);
  const exit = read() ?? { exitCode: 137 };
  if (await isOurs(engine, container)) {
    // The shim that writes the record and clears away may have been killed together with it.
    await removeCgroup(engine, container.id);
    await abandonPorts(container);
    noteExit(engine, container.id, exit);
    if (container.options.remove) await removeEnded(engine, container.id);
  }
  return exit.exitCode;
}

/** Whether what is left of a run is for us to clear away; waits for another command that is at it, or starts it again. */
async function isOurs(engine: Engine, container: Container): Promise<boolean> {
  let claim: boolean | undefined;
  await soon(2000, () => {
    claim = claimEnded(engine, container);
    return claim !== false;
  });
  return claim === true;
}

/**
 * Created, or ended: it is being started right now, or whoever started it has died halfway, or it
 * waits to be started.
 */
async function settleIdle(engine: Engine, container: Container): Promise<void> {
  const { id, options, status } = container;
  const owner = ownerOf(engine, id);
  if (owner !== undefined) {
    if (!isDead(owner) || !takeOver(engine, container, owner)) return;
    await removeCgroup(engine, id);
    await abandonPorts(container);
    releaseContainer(engine, container);
  }
  if (options.remove && (owner !== undefined || status === 'exited')) await removeEnded(engine, id);
}

export function noteExit(engine: Engine, id: string, exit: Exit): Exit {
  const { exitCode, time = Date.now(), oomKilled } = exit;
  updateContainer(engine, id, {
    ...{ status: 'exited', exit_code: exitCode, finished: time, pid: null, owner: null },
    oom_killed: oomKilled === undefined ? null : Number(oomKilled),
  });
  return exit;
}
