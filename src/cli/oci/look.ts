import { Command } from 'commander';
import { ClocheError } from '../../error.ts';
import { allRecords, listed, readRecord } from '../../runtime/oci/index.ts';
import { table } from '../output.ts';
import { print } from '../print.ts';
import type { Context } from './context.ts';

/** `cloche oci state` and `list`: what there is. */
export function lookCommands({ root, logged, warn }: Context): Command[] {
  return [
    new Command('state')
      .description('Print the state of a container')
      .argument('<id>')
      .action(
        logged(async (id) => {
          const state = listed(root(), await readRecord(root(), id));
          print(`${JSON.stringify(state, null, 2)}\n`);
        }),
      ),
    new Command('list')
      .description('List containers')
      .option('-f, --format <format>', 'table or json', 'table')
      .option('-q, --quiet', 'only IDs', false)
      .action(
        logged(async (flags: { format: string; quiet: boolean }) => {
          requireFormat(flags.format);
          const records = await allRecords(root(), warn);
          const states = records.map((record) => listed(root(), record));
          if (flags.quiet) for (const { id } of states) print(`${id}\n`);
          else if (flags.format === 'json') print(`${JSON.stringify(states)}\n`);
          else {
            const rows = states.map(({ id, pid, status, bundle, created, owner }) => {
              return [id, String(pid), status, bundle, created, owner];
            });
            print(table(['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], rows));
          }
        }),
      ),
  ];
}

/** @throws {ClocheError} `FORMAT_INVALID`, in runc's words */
export function requireFormat(format: string): void {
  if (format === 'table' || format === 'json') return;
  throw new ClocheError('FORMAT_INVALID', 'invalid format option', {
    class: 'invalid-argument',
    hint: `--format is table or json, and not '${format}'`,
  });
}
