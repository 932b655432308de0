import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { pruneVolumes } from '../../engine/prune.ts';
import { print } from '../print.ts';
import { confirm, reclaimed, section } from './confirm.ts';

/** `cloche volume prune`: remove the volumes that no container has. */
export function volumePruneCommand(): Command {
  return new Command('prune')
    .description('Remove volumes that no container has')
    .option('-a, --all', 'those with a name of their own, too', false)
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: { all: boolean; force: boolean; json: boolean }) => {
      const which = flags.all ? 'all' : 'anonymous';
      const warning = `This will remove ${which} local volumes not used by at least one container.`;
      if (!flags.force) confirm('volume', warning);
      const engine = openEngine();
      await settleAll(engine);
      const pruned = pruneVolumes(engine, flags);
      if (flags.json) print(`${JSON.stringify(pruned, null, 2)}\n`);
      else print(section('Deleted Volumes', pruned.removed) + reclaimed(pruned.freed));
    });
}
