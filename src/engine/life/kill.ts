import { setTimeout as sleep } from 'node:timers/promises';
import { ClocheError } from '../../error.ts';
import { signalNumber } from '../../linux/signals.ts';
import type { Engine } from '../engine.ts';
import { cgroupOfRunning } from './pause.ts';
import { isAlive } from './processes.ts';
import { type Container, getContainer } from './records.ts';

/**
 * Sends a signal to a container's init.
 *
 * @param signal `KILL`, `SIGKILL` or `9`.
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `CONTAINER_NOT_RUNNING`, `SIGNAL_INVALID`
 */
export async function killContainer(
  engine: Engine,
  name: string,
  signal = 'SIGKILL',
  about: { readonly wait?: boolean } = {},
): Promise<Container> {
  const container = getContainer(engine, name);
  const number = signalNumber(signal);
  if (!isAlive(container) || !sent(container.pid, number))
    throw new ClocheError(
      'CONTAINER_NOT_RUNNING',
      `cannot kill container: ${name}: container ${container.id.slice(0, 12)} is not running`,
      { class: 'conflict', hint: 'cloche ps shows what runs' },
    );
  letGo(engine, container);
  for (let i = 0; about.wait === true && isAlive(container); i++) {
    if (i > 1000)
      throw new ClocheError(
        'KILL_TIMEOUT',
        `container '${container.name}' did not end in ten seconds`,
        {
          hint: 'a process in uninterruptible sleep cannot be killed; see `ps -o stat,wchan`',
        },
      );
    await sleep(10);
  }
  return container;
}

/** v1: whom the freezer holds dies only when it is let go. */
function letGo(engine: Engine, container: Container): void {
  try {
    const group = cgroupOfRunning(engine, container);
    if (group.directory('freezer') !== undefined && group.isHeld()) group.thaw();
  } catch (error) {
    if (isAlive(container)) throw error;
  }
}

/** As `killContainer`, but one that has ended meanwhile, or is gone, is what was wanted. */
export async function killIfRunning(...args: Parameters<typeof killContainer>): Promise<void> {
  try {
    await killContainer(...args);
  } catch (error) {
    const code = error instanceof ClocheError ? error.code : undefined;
    if (code !== 'CONTAINER_NOT_RUNNING' && code !== 'CONTAINER_NOT_FOUND') throw error;
  }
}

/** @returns whether there was a process to take it */
function sent(pid: number | undefined, signal: number): boolean {
  try {
    return pid !== undefined && process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
