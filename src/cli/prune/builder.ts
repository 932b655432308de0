import { Command } from 'commander';
import { openEngine } from '../../engine/index.ts';
import { type CacheRow, cacheRows, forgetCache } from '../../image/prune.ts';
import { holds, parseFilters, timeOf } from '../filters.ts';
import { many } from '../flags.ts';
import { duration, size, table } from '../output.ts';
import { confirm } from './confirm.ts';

/** `cloche builder prune`: forget steps of builds, and remove the layers that only they need. */
export function builderPruneCommand(): Command {
  return new Command('prune')
    .description('Remove build cache')
    .option('-a, --all', 'also the steps whose layers images stand on', false)
    .option('--filter <key=value>', 'until', many, [])
    .option('-f, --force', 'do not ask', false)
    .option('--json', 'print JSON', false)
    .action((flags: { all: boolean; filter: string[]; force: boolean; json: boolean }) => {
      const filters = parseFilters(flags.filter, ['until']);
      const which = flags.all ? 'build cache' : 'dangling build cache';
      if (!flags.force) confirm('builder', `This will remove all ${which}.`);
      const { store } = openEngine();
      const rows = cacheRows(store).filter(
        ({ shared, used }) =>
          (flags.all || !shared) && holds(filters, 'until', (time) => used < timeOf(time)),
      );
      const { freed } = forgetCache(store, rows);
      if (flags.json)
        process.stdout.write(`${JSON.stringify({ removed: rows, freed }, null, 2)}\n`);
      else process.stdout.write(`${printed(rows)}Total:\t${size(freed)}\n`);
    });
}

function printed(rows: readonly CacheRow[]): string {
  if (rows.length === 0) return '';
  return table(
    ['ID', 'RECLAIMABLE', 'SIZE', 'LAST ACCESSED'],
    rows.map(({ key, shared, size: bytes, used }) => [
      key.replace('sha256:', '').slice(0, 25),
      shared ? 'false' : 'true',
      size(bytes),
      `${duration(Date.now() - used)} ago`,
    ]),
  );
}
