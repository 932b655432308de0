import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { pruneVolumes } from '../../engine/prune.ts';
import { parseFilters, truth } from '../filters.ts';
import { many } from '../flags.ts';
import { print } from '../print.ts';
import { confirm, reclaimed, section } from './confirm.ts';

/** `cloche volume prune`: remove the volumes that no container has. */
export function volumePruneCommand(): Command {
  return new Command('prune')
    .description('Remove volumes that no container has')
    .option('-a, --all', 'those with a name of their own, too', false)
    .option('--filter <key=value>', 'all, label, label!', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: Flags) => {
      const filters = parseFilters(flags.filter, ['all', 'label', 'label!']);
      const saidAll = filters.get('all')?.some((value) => truth('all', value)) ?? false;
      const all = flags.all || saidAll;
      const which = all ? 'all' : 'anonymous';
      const warning = `This will remove ${which} local volumes not used by at least one container.`;
      if (!flags.force) confirm('volume', warning);
      const engine = openEngine();
      await settleAll(engine);
      // Volumes have no labels here, so none has the one that is asked for.
      const pruned = filters.has('label')
        ? { removed: [], freed: 0 }
        : pruneVolumes(engine, { all });
      if (flags.json) print(`${JSON.stringify(pruned, null, 2)}\n`);
      else print(section('Deleted Volumes', pruned.removed) + reclaimed(pruned.freed));
    });
}

interface Flags {
  readonly all: boolean;
  readonly filter: readonly string[];
  readonly force: boolean;
  readonly json: boolean;
}
