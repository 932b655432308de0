import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { pruneContainers } from '../../engine/prune.ts';
import { holds, parseFilters, timeOf } from '../filters.ts';
import { many } from '../flags.ts';
import { print } from '../print.ts';
import { confirm, reclaimed, section } from './confirm.ts';

/** `cloche container prune`: remove the containers that do not run. */
export function containerPruneCommand(): Command {
  return new Command('prune')
    .description('Remove all stopped containers')
    .option('--filter <key=value>', 'until', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: { filter: string[]; force: boolean; json: boolean }) => {
      const filters = parseFilters(flags.filter, ['until']);
      if (!flags.force) confirm('container', 'This will remove all stopped containers.');
      const engine = openEngine();
      await settleAll(engine);
      const pruned = await pruneContainers(engine, ({ created }) =>
        holds(filters, 'until', (time) => created.getTime() < timeOf(time)),
      );
      if (flags.json) print(`${JSON.stringify(pruned, null, 2)}\n`);
      else print(section('Deleted Containers', pruned.removed) + reclaimed(pruned.freed));
    });
}
