import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { pauseContainer, unpauseContainer } from '../engine/life/pause.ts';
import { forEachName } from './output.ts';
import { print } from './print.ts';

/** `cloche pause`: hold all processes of containers where they stand. */
export function pauseCommand(): Command {
  return new Command('pause')
    .description('Pause all processes of one or more containers')
    .argument('<container...>')
    .action(async (names: string[]) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, async (name) => {
        await pauseContainer(engine, name);
        print(`${name}\n`);
      });
    });
}

/** `cloche unpause`: let them go on. */
export function unpauseCommand(): Command {
  return new Command('unpause')
    .description('Unpause all processes of one or more containers')
    .argument('<container...>')
    .action(async (names: string[]) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, (name) => {
        unpauseContainer(engine, name);
        print(`${name}\n`);
      });
    });
}
