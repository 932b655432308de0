import { type Analysis, type Nested, nest } from '../../image/layers/index.ts';
import { size } from '../output.ts';
import { shortened } from './table.ts';
import { labelOf } from './tree.ts';

/** A list that one stands in: the layers, or what a directory of one holds. */
interface Level {
  readonly title: string;
  readonly lines: readonly string[];
  /** Where Enter leads from a line; undefined for a file. */
  readonly open: (line: number) => Level | undefined;
}

/** Where the reader is: the way down to the list that is shown, and the line in each. */
export interface Place {
  readonly levels: readonly { readonly level: Level; readonly line: number }[];
}

export type Key = 'up' | 'down' | 'page-up' | 'page-down' | 'home' | 'end' | 'in' | 'out' | 'quit';

/** The list of layers, its first line chosen. */
export function beginning(image: string, { instructions }: Analysis): Place {
  const layers = instructions.filter(({ diffId }) => diffId !== undefined);
  const level: Level = {
    title: image,
    lines: layers.map(
      (one, i) => `${i + 1}  ${size(one.size).padStart(6)}  ${shortened(one, 200)}`,
    ),
    open: (line) => {
      const layer = layers[line];
      return layer === undefined
        ? undefined
        : directory(`${image} › layer ${line + 1}`, nest(layer.changes));
    },
  };
  return { levels: [{ level, line: 0 }] };
}

function directory(title: string, node: Nested): Level {
  return {
    title,
    lines: node.children.map(labelOf),
    open: (line) => {
      const child = node.children[line];
      return child === undefined || child.children.length === 0
        ? undefined
        : directory(`${title}/${child.name}`, child);
    },
  };
}

/** Where a key leads; undefined: away. @param height how many lines are seen at once */
export function pressed(place: Place, key: Key, height: number): Place | undefined {
  const above = place.levels.slice(0, -1);
  const here = place.levels.at(-1);
  if (here === undefined || key === 'quit') return undefined;
  if (key === 'out') return above.length === 0 ? place : { levels: above };
  if (key === 'in') {
    const level = here.level.open(here.line);
    return level === undefined ? place : { levels: [...place.levels, { level, line: 0 }] };
  }
  const last = here.level.lines.length - 1;
  const to = { up: -1, down: 1, 'page-up': -height, 'page-down': height, home: -last, end: last };
  const line = Math.max(0, Math.min(last, here.line + to[key]));
  return { levels: [...above, { level: here.level, line }] };
}

/** The screen: a title, as many lines as fit with the chosen one among them, and the keys. */
export function screen(place: Place, rows: number, columns: number): string[] {
  const here = place.levels.at(-1);
  if (here === undefined) return [];
  const height = Math.max(1, rows - 2);
  const { title, lines } = here.level;
  const top = Math.max(0, Math.min(here.line - Math.floor(height / 2), lines.length - height));
  const shown = lines.slice(top, top + height).map((line, i) => {
    const text = cut(line, columns - 2);
    return top + i === here.line ? `\x1b[7m> ${Bun.stripANSI(text)}\x1b[0m` : `  ${text}`;
  });
  const empty = lines.length === 0 ? ['  (nothing)'] : [];
  const keys = '↑↓ move · Enter → open · ← back · q quit';
  return [`\x1b[1m${cut(title, columns)}\x1b[0m`, ...shown, ...empty, cut(keys, columns)];
}

/** Cut to a width; colours take none. */
function cut(text: string, width: number): string {
  if (Bun.stripANSI(text).length <= width) return text;
  return `${Bun.stripANSI(text).slice(0, Math.max(0, width - 1))}…`;
}
