import type { Analysis, Instruction } from '../../image/layers/index.ts';
import { size, table } from '../output.ts';
import { textOf } from './programs.ts';

const HEADINGS = ['LAYER', 'CREATED BY', 'ADDED', 'CHANGED', 'DELETED', 'SIZE', 'WASTED'];

/** One line an instruction, the totals, and the files that waste most. */
export function tableText(analysis: Analysis, all: boolean): string {
  const { instructions, wasted, efficiency } = analysis;
  let layer = 0;
  const rows = instructions.map((one) => {
    const words = shortened(one, all ? Number.POSITIVE_INFINITY : 48);
    if (one.diffId === undefined) return ['-', words];
    const { added, changed, deleted } = one;
    const counts = [added, changed, deleted].map(String);
    return [String(++layer), words, ...counts, size(one.size), size(one.wasted)];
  });
  const percent = (Math.floor(efficiency * 1000) / 10).toFixed(1);
  const totals = `\n${size(analysis.size)} in ${layer} layers, ${size(wasted)} of it wasted: efficiency ${percent} %\n`;
  return table(HEADINGS, rows) + totals + wastedText(analysis, all);
}

/** The instruction as it was written; the builder's own words around it left away. */
export function shortened({ createdBy }: Pick<Instruction, 'createdBy'>, length: number): string {
  const words = createdBy
    .replace(/^\/bin\/sh -c #\(nop\) +/, '')
    .replace(/ # buildkit$/, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return words.length > length ? `${words.slice(0, length - 1)}…` : words;
}

function wastedText({ wastedFiles, instructions }: Analysis, all: boolean): string {
  if (wastedFiles.length === 0) return '';
  const shown = wastedFiles.slice(0, all ? undefined : 10);
  const rows = shown.map(({ path, size: bytes, from }) => [
    size(bytes),
    `/${textOf(path)}`,
    shortened(instructions[from] ?? { createdBy: '' }, 40),
  ]);
  const more = wastedFiles.length - shown.length;
  return `\n${table(['WASTED', 'FILE', 'BROUGHT BY'], rows)}${more > 0 ? `and ${more} more: --all\n` : ''}`;
}
