import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { removeVolume } from '../../engine/volumes/index.ts';
import { ClocheError } from '../../error.ts';
import { forEachName } from '../output.ts';
import { print } from '../print.ts';

/** `cloche volume rm`: remove volumes with what is in them. */
export function volumeRemoveCommand(): Command {
  return new Command('rm')
    .description('Remove one or more volumes that no container has')
    .argument('<volume...>')
    .option('-f, --force', 'one that is not there is no error', false)
    .action(async (names: string[], { force }: { force: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      await forEachName(names, (name) => {
        try {
          removeVolume(engine, name);
        } catch (error) {
          const isMissing = error instanceof ClocheError && error.code === 'VOLUME_NOT_FOUND';
          if (!force || !isMissing) throw error;
        }
        print(`${name}\n`);
      });
    });
}
