import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { waitForContainer } from '../engine/life/stop.ts';
import { forEachName } from './output.ts';
import { print } from './print.ts';

/** `cloche wait`: block until containers have ended, and print their exit codes. */
export function waitCommand(): Command {
  return new Command('wait')
    .description('Wait until containers have ended, and print their exit codes')
    .argument('<container...>')
    .action(async (names: string[]) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, async (name) => {
        print(`${await waitForContainer(engine, name)}\n`);
      });
    });
}
