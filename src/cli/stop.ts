import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { stopContainer } from '../engine/life/stop.ts';
import { type StopFlags, withStopFlags } from './flags.ts';
import { forAllNames } from './output.ts';

/** `cloche stop`: ask containers to end, and after a while make them. */
export function stopCommand(): Command {
  return withStopFlags(new Command('stop'))
    .description('Stop one or more running containers')
    .argument('<container...>')
    .action(async (names: string[], flags: StopFlags) => {
      const engine = openEngine();
      await settleAll(engine);
      await forAllNames(names, (name) => stopContainer(engine, name, flags));
    });
}
