import { Command } from 'commander';
import { openEngine } from '../engine/index.ts';
import { type HistoryLine, historyOf } from '../image/history.ts';
import { getImage, hexOf, type Image } from '../image/index.ts';
import { type Columns, list, type Row } from './format/index.ts';
import { ago, size } from './output.ts';
import { print } from './print.ts';

/** `cloche history`: an image's instructions, the newest first, and what each added. */
export function historyCommand(): Command {
  return new Command('history')
    .description('Show the history of an image')
    .argument('<image>')
    .option('--format <format>', 'table, json, or a Go template')
    .option(
      '-H, --human [yes]',
      'print sizes and dates for people',
      (text) => text !== 'false',
      true,
    )
    .option('--no-trunc', 'do not shorten')
    .option('-q, --quiet', 'only show IDs', false)
    .option('--json', 'print JSON', false)
    .action((name: string, flags: Flags) => {
      const { store } = openEngine();
      const image = getImage(store, name);
      const lines = historyOf(store, image).reverse();
      if (flags.json) print(`${JSON.stringify(lines.map(forPrograms), null, 2)}\n`);
      else print(printed(image, lines, flags));
    });
}

interface Flags {
  readonly format?: string;
  readonly human: boolean;
  readonly trunc: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

const COLUMNS: Columns = {
  headings: {
    ID: 'IMAGE',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    CreatedBy: 'CREATED BY',
    Size: 'SIZE',
    Comment: 'COMMENT',
  },
  shown: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
};

function printed(image: Image, lines: readonly HistoryLine[], flags: Flags): string {
  const rows = lines.map((line, i) => rowOf(line, i === 0 ? image : undefined, flags));
  if (flags.quiet) return rows.map(({ ID }) => `${ID}\n`).join('');
  const created = flags.human ? 'CreatedSince' : 'CreatedAt';
  return list(rows, { ...COLUMNS, shown: COLUMNS.shown.with(1, created) }, flags.format);
}

/** Only the newest line has an image of its own; those in between were never kept. */
function rowOf({ entry, layer }: HistoryLine, image: Image | undefined, flags: Flags): Row {
  const by = (entry.created_by ?? '').replaceAll(/\s+/g, ' ').trim();
  const created = entry.created === undefined ? undefined : new Date(entry.created);
  const bytes = layer?.size ?? 0;
  const id = image === undefined ? '<missing>' : image.id;
  return {
    ID: image !== undefined && flags.trunc ? hexOf(image.id).slice(0, 12) : id,
    CreatedSince: created === undefined ? 'N/A' : ago(created),
    CreatedAt: created?.toISOString() ?? '',
    CreatedBy: flags.trunc && by.length > 45 ? `${by.slice(0, 44)}…` : by,
    Size: flags.human ? size(bytes) : String(bytes),
    Comment: entry.comment ?? '',
  };
}

function forPrograms({ entry, layer }: HistoryLine) {
  return {
    created: entry.created,
    createdBy: entry.created_by,
    comment: entry.comment,
    size: layer?.size ?? 0,
    diffId: layer?.diffId,
  };
}
