import { Command } from 'commander';
import { openEngine, settleAll } from '../../engine/index.ts';
import { listVolumes, usedVolumes } from '../../engine/volumes/index.ts';
import { holds, parseFilters, truth } from '../filters.ts';
import { many } from '../flags.ts';
import { type Columns, list } from '../format/index.ts';
import { print } from '../print.ts';
import { volumeShape } from './shape.ts';

/** `cloche volume ls`: what outlives containers. */
export function volumeListCommand(): Command {
  return new Command('ls')
    .description('List volumes')
    .option('-f, --filter <key=value>', 'dangling, driver, name', many, [])
    .option('--format <format>', 'table, json, or a Go template')
    .option('-q, --quiet', 'only show names', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: Flags) => {
      const filters = parseFilters(flags.filter, ['dangling', 'driver', 'name']);
      const engine = openEngine();
      await settleAll(engine);
      const used = usedVolumes(engine);
      const volumes = listVolumes(engine).filter(
        ({ name }) =>
          holds(filters, 'dangling', (value) => truth('dangling', value) === !used.has(name)) &&
          holds(filters, 'driver', (driver) => driver === 'local') &&
          holds(filters, 'name', (part) => name.includes(part)),
      );
      if (flags.json) print(`${JSON.stringify(volumes.map(volumeShape), null, 2)}\n`);
      else if (flags.quiet) print(volumes.map(({ name }) => `${name}\n`).join(''));
      else print(list(volumes.map(volumeShape), COLUMNS, flags.format));
    });
}

interface Flags {
  readonly filter: string[];
  readonly format?: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

const COLUMNS: Columns = {
  headings: { Driver: 'DRIVER', Name: 'VOLUME NAME', Mountpoint: 'MOUNTPOINT', Scope: 'SCOPE' },
  shown: ['Driver', 'Name'],
};
