import { setTimeout as sleep } from 'node:timers/promises';
import { configOf, type Image } from '../../image/index.ts';
import type { Engine } from '../engine.ts';
import { holdExitRecord } from './exit-record.ts';
import { killIfRunning } from './kill.ts';
import { isAlive } from './processes.ts';
import { type Container, getContainer } from './records.ts';
import { settleRunning } from './settle.ts';

export interface StopOptions {
  /** Without it the container's or the image's StopSignal, or SIGTERM. */
  readonly signal?: string | undefined;
  /** Seconds before SIGKILL; below 0 it never comes. Without it the container's, or docker's default, 10. */
  readonly timeout?: number | undefined;
}

/**
 * Asks a container to end, and makes it end when its time is over. One that does not run is fine.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `SIGNAL_INVALID`, `KILL_TIMEOUT`
 */
export async function stopContainer(
  engine: Engine,
  name: string,
  options: StopOptions = {},
): Promise<void> {
  const container = getContainer(engine, name);
  if (!isAlive(container)) return;
  const signal = options.signal ?? stopSignalOf(engine, container);
  await killIfRunning(engine, name, signal);
  const timeout = options.timeout ?? container.options.stopTimeout ?? 10;
  if (!(await hasEnded(container, timeout < 0 ? Number.POSITIVE_INFINITY : timeout * 1000)))
    await killIfRunning(engine, name, 'SIGKILL', { wait: true });
  await settleRunning(engine, container);
}

/** docker's wait: resolves when a container does not run. @returns its exit code */
export async function waitForContainer(engine: Engine, name: string): Promise<number> {
  const container = getContainer(engine, name);
  if (container.status !== 'running') return container.exitCode ?? 0;
  const record = holdExitRecord(engine, container.id);
  try {
    await hasEnded(container, Number.POSITIVE_INFINITY);
    return await settleRunning(engine, container, record.read);
  } finally {
    record.close();
  }
}

function stopSignalOf(engine: Engine, container: Container): string {
  if (container.options.stopSignal !== undefined) return container.options.stopSignal;
  const { config } = configOf(engine.store, { id: container.imageId as Image['id'] });
  return config.StopSignal ?? 'SIGTERM';
}

/** Waits so many milliseconds for the end. It is not our child, so we look again and again. */
async function hasEnded(container: Container, milliseconds: number): Promise<boolean> {
  const end = performance.now() + milliseconds;
  for (; isAlive(container); await sleep(20)) if (performance.now() > end) return false;
  return true;
}
