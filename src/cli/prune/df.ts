import { Command } from 'commander';
import { type Engine, openEngine, settleAll } from '../../engine/index.ts';
import { type DiskUse, diskUse } from '../../engine/look/disk-use.ts';
import { type Columns, formatWith, list, type Row } from '../format/index.ts';
import { size } from '../output.ts';
import { print } from '../print.ts';
import { verboseShape, verboseText } from './df-verbose.ts';

/** `cloche system df`: what takes how much of the disk, and how much of it could go. */
export function systemDfCommand(): Command {
  return new Command('df')
    .description('Show how much of the disk is used')
    .option('--format <format>', 'table, json, or a Go template')
    .option('-v, --verbose', 'each thing by itself', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: { format?: string; verbose: boolean; json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      if (flags.verbose) return verbosely(engine, flags);
      const uses = diskUse(engine);
      if (flags.json) print(`${JSON.stringify(uses, null, 2)}\n`);
      else print(list(uses.map(rowOf), COLUMNS, flags.format));
    });
}

function verbosely(engine: Engine, { format, json }: { format?: string; json: boolean }): void {
  if (json) print(`${JSON.stringify(verboseShape(engine), null, 2)}\n`);
  else if (format === 'json') print(`${JSON.stringify(verboseShape(engine))}\n`);
  else if (format === undefined || format === 'table') print(verboseText(engine));
  else print(`${formatWith(format)(verboseShape(engine))}\n`);
}

const COLUMNS: Columns = {
  headings: {
    Type: 'TYPE',
    TotalCount: 'TOTAL',
    Active: 'ACTIVE',
    Size: 'SIZE',
    Reclaimable: 'RECLAIMABLE',
  },
  shown: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
};

function rowOf({ kind, total, active, size: bytes, reclaimable }: DiskUse): Row {
  const part = bytes === 0 ? 0 : Math.round((100 * reclaimable) / bytes);
  return {
    Type: kind,
    TotalCount: String(total),
    Active: String(active),
    Size: size(bytes),
    Reclaimable: kind === 'Build Cache' ? size(reclaimable) : `${size(reclaimable)} (${part}%)`,
  };
}
