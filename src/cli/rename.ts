import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { renameContainer } from '../engine/life/records.ts';

/** `cloche rename`: give a container another name. */
export function renameCommand(): Command {
  return new Command('rename')
    .description('Rename a container')
    .argument('<container>')
    .argument('<name>')
    .action(async (container: string, name: string) => {
      const engine = openEngine();
      await settleAll(engine);
      renameContainer(engine, container, name);
    });
}
