import type { Started } from '../engine/index.ts';
import { withForwardedSignals, withRawTerminal } from './terminal.ts';

/**
 * Stays with a container in the foreground until it ends. Without `sigProxy` our signals are our own
 * end, and its, which is bound to us. @returns its exit code
 */
export async function attached(
  started: Started,
  { tty, sigProxy = true }: { readonly tty: boolean; readonly sigProxy?: boolean },
) {
  let pid: number | undefined;
  // What kept it from starting is said by `exited`.
  started.pid.then(
    (known) => {
      pid = known;
    },
    () => undefined,
  );
  if (tty) return await withRawTerminal(started.resize, started.exited);
  if (!sigProxy) return await started.exited;
  return await withForwardedSignals(() => pid, started.exited);
}

/** Resolves when a container in the background runs; rejects with what kept it from starting. */
export async function running(started: Started): Promise<void> {
  started.exited.catch(() => undefined);
  await Promise.race([started.pid, started.exited]);
  await started.pid.catch(async () => await started.exited);
}
