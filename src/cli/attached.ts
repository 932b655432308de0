import type { Started } from '../engine/index.ts';
import { withForwardedSignals, withRawTerminal } from './terminal.ts';

/**
 * Starts a container and stays with it in the foreground until it ends. Without `sigProxy` our signals are our
 * own end, and its, which is bound to us. @returns its exit code
 */
export async function attached(
  start: () => Promise<Started>,
  { tty, sigProxy = true }: { readonly tty: boolean; readonly sigProxy?: boolean },
): Promise<number> {
  if (tty) {
    const { resize, exited } = await start();
    return await withRawTerminal(resize, exited);
  }
  if (!sigProxy) return await (await start()).exited;
  return await withForwardedSignals(async (onStarted) => {
    const { pid, exited } = await start();
    // What kept it from starting is said by `exited`.
    pid.then(onStarted, () => undefined);
    return await exited;
  });
}

/** Resolves when a container in the background runs; rejects with what kept it from starting. */
export async function running(started: Started): Promise<void> {
  started.exited.catch(() => undefined);
  await Promise.race([started.pid, started.exited]);
  await started.pid.catch(async () => await started.exited);
}
