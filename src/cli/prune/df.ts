import { Command } from 'commander';
import { type DiskUse, diskUse } from '../../engine/disk-use.ts';
import { openEngine, settleAll } from '../../engine/index.ts';
import { type Columns, list, type Row } from '../format/index.ts';
import { size } from '../output.ts';
import { print } from '../print.ts';

/** `cloche system df`: what takes how much of the disk, and how much of it could go. */
export function systemDfCommand(): Command {
  return new Command('df')
    .description('Show how much of the disk is used')
    .option('--format <format>', 'table, json, or a Go template')
    .option('--json', 'print JSON', false)
    .action(async (flags: { format?: string; json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const uses = diskUse(engine);
      if (flags.json) print(`${JSON.stringify(uses, null, 2)}\n`);
      else print(list(uses.map(rowOf), COLUMNS, flags.format));
    });
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
