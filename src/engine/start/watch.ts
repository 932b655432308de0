import { writeSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { ownerAt } from '../../image/index.ts';
import { type Launched, words } from '../../linux/launch.ts';
import { startTimeOf } from '../../linux/proc/start-time.ts';
import { exitCodeIn } from '../../linux/signals.ts';
import type { Engine } from '../engine.ts';
import { exitRecordOf } from '../life/exit-record.ts';
import { removeCgroup } from '../life/leftovers.ts';
import { type Container, getContainer, updateContainer } from '../life/records.ts';
import { forget, removeStopped } from '../life/remove.ts';
import { noteExit } from '../life/settle.ts';
import { abandonPorts } from '../ports/index.ts';
import type { Ready } from './moulds.ts';

/** Hears on the control socket that the program runs, notes it, and lets a detached shim live on. */
export async function watchForStart(
  engine: Engine,
  container: Container,
  ready: Ready,
  launched: Launched,
): Promise<number> {
  for await (const word of words(launched.control)) {
    const pid = Number(launched.memory.value(ready.pid));
    if (word === 's') noteStart(engine, container.id, pid, launched.pid);
    if (word === 's' && !container.options.detach) return pid;
    if (word === 's') writeSync(launched.control, 'g');
    if (word === 'o') {
      launched.unref();
      return pid;
    }
  }
  throw await startFailure(ready, launched);
}

function noteStart(engine: Engine, id: string, pid: number, shim: number): void {
  updateContainer(engine, id, {
    status: 'running',
    owner: null,
    pid,
    pid_start: startTimeOf(pid) ?? null,
    shim: ownerAt(shim),
    started: Date.now(),
    finished: null,
    exit_code: null,
  });
}

/** A container on its way, and who is told what is left of it. */
interface Watched {
  readonly onLeftover?: ((error: ClocheError) => void) | undefined;
  readonly ready: Ready;
  readonly launched: Launched;
  readonly pid: Promise<number>;
}

/**
 * Waits for its end, and notes it.
 *
 * @returns its exit code
 * @throws {ClocheError} what kept it from starting
 */
export async function watchForEnd(
  engine: Engine,
  container: Container,
  { ready, launched, pid: started, onLeftover }: Watched,
): Promise<number> {
  const { id, options, status } = container;
  const shimCode = await launched.exited;
  const pid = await started.catch(() => undefined);
  // What failed after it had started is the clearing away, which we can do better than the shim.
  const failed = pid === undefined || shimCode !== 0;
  const failure = pid === undefined ? await startFailure(ready, launched) : undefined;
  const left = failed ? await clearAway(engine, id) : undefined;
  if (left !== undefined) onLeftover?.(left);
  const exitCode = exitCodeIn(launched.memory.read(ready.status));
  launched.close();
  if (failure !== undefined) {
    updateContainer(engine, id, { status, owner: null });
    if (options.remove) await removeStopped(engine, container);
    throw failure;
  }
  // What is removed is not written down before.
  if (options.remove && left === undefined) forget(engine, container);
  else noteExit(engine, id, { ...exitRecordOf(engine, id), exitCode });
  return exitCode;
}

/** @returns why something is left: how the program has ended shall be known all the same */
async function clearAway(engine: Engine, id: string): Promise<ClocheError | undefined> {
  try {
    await removeCgroup(engine, id);
    await abandonPorts(getContainer(engine, id));
    return undefined;
  } catch (error) {
    if (error instanceof ClocheError) return error;
    throw error;
  }
}

async function startFailure(ready: Ready, launched: Launched): Promise<Error> {
  const failure = launched.memory.failure();
  if (failure === undefined)
    return new ClocheError('SHIM_KILLED', 'the container was ended before its program began', {
      details: { plan: ready.encoded.name },
    });
  const { stepFailed } = await import('../../linux/perform.ts');
  const { startError } = await import('../errors.ts');
  return startError(stepFailed(await ready.plan(), failure.step, failure.errno));
}
