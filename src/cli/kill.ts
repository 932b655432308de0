import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { killContainer } from '../engine/life/kill.ts';
import { forAllNames } from './output.ts';

/** `cloche kill`: send a signal to the first process of each container. */
export function killCommand(): Command {
  return new Command('kill')
    .description('Kill one or more running containers')
    .argument('<container...>')
    .option('-s, --signal <signal>', 'signal to send', 'KILL')
    .action(async (names: string[], flags: { signal: string }) => {
      const engine = openEngine();
      await settleAll(engine);
      await forAllNames(names, (name) => killContainer(engine, name, flags.signal));
    });
}
