import { Command } from 'commander';
import { type Engine, getContainer, openEngine, settleAll } from '../engine/index.ts';
import { stateOf } from '../engine/life/state.ts';
import { waitForContainer } from '../engine/life/stop.ts';
import { ClocheError } from '../error.ts';
import { printLog } from './logs.ts';
import { withForwardedSignals } from './terminal.ts';

/**
 * `cloche attach`: prints what a container in the background prints from now on, hands it our signals,
 * and ends as it ends. It was given no input when it was started, and gets none now.
 */
export function attachCommand(): Command {
  return new Command('attach')
    .description('Print what a running container prints, and wait for its end')
    .argument('<container>')
    .option('--no-stdin', 'accepted: a container in the background has no input')
    .option('--no-sig-proxy', 'keep signals for ourselves: Ctrl-C then leaves it running')
    .action(async (name: string, { sigProxy }: { sigProxy: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      process.exitCode = await attach(engine, name, sigProxy);
    });
}

async function attach(engine: Engine, name: string, handsOn: boolean): Promise<number> {
  const container = getContainer(engine, name);
  requireRunning(stateOf(engine, container));
  const code = waitForContainer(engine, container.id);
  const shown = printLog(engine, container.id, { follow: true, since: Date.now() });
  const ended = Promise.all([code, shown]).then(([exitCode]) => exitCode);
  if (!handsOn) return await ended;
  return await withForwardedSignals(async (onStarted) => {
    if (container.pid !== undefined) onStarted(container.pid);
    return await ended;
  });
}

/** @throws {ClocheError} `NOT_RUNNING`, in docker's words */
function requireRunning(state: string): void {
  if (state === 'running') return;
  const [what, how] = state === 'paused' ? ['paused', 'unpause'] : ['stopped', 'start'];
  throw new ClocheError('NOT_RUNNING', `cannot attach to a ${what} container, ${how} it first`, {
    class: 'conflict',
  });
}
