import { table } from '../output.ts';
import { parseTemplate } from './parse.ts';
import { render } from './render.ts';

/** One line of a list: what each column says, by the name that a format has for it. */
export type Row = Readonly<Record<string, string>>;

/** The columns of a list: a heading for each name; `shown` is what the plain table has. */
export interface Columns {
  readonly headings: Row;
  readonly shown: readonly string[];
}

/**
 * A list as docker prints it: as a table; with `json` a line of JSON each; else through a Go
 * template, which makes a table when it begins with the word `table`.
 *
 * @throws {ClocheError} `FORMAT_INVALID`, `FORMAT_FIELD`
 */
export function list(rows: readonly Row[], columns: Columns, format = 'table'): string {
  const { headings, shown } = columns;
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  if (format === 'table')
    return table(
      shown.map((name) => headings[name] ?? name),
      rows.map((row) => shown.map((name) => row[name] ?? '')),
    );
  const isTable = format.startsWith('table ');
  // A shell hands \t over as two characters.
  const text = (isTable ? format.slice('table '.length) : format)
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n');
  const nodes = parseTemplate(text);
  const lines = rows.map((row) => render(nodes, row));
  if (!isTable) return lines.map((line) => `${line}\n`).join('');
  return table(
    render(nodes, headings).split('\t'),
    lines.map((line) => line.split('\t')),
  );
}
