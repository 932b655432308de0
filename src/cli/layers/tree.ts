import { type Analysis, type Nested, nest } from '../../image/layers/index.ts';
import { size } from '../output.ts';
import { painted } from '../print.ts';
import { shortened } from './table.ts';

/** The files of each layer as a tree. @param depth how many levels are shown; 0 for all */
export function treeText({ instructions }: Analysis, depth: number): string {
  const most = depth > 0 ? depth : Number.POSITIVE_INFINITY;
  return instructions
    .filter(({ diffId }) => diffId !== undefined)
    .map((one, i) => {
      const head = `${i + 1}  ${shortened(one, 90)}  ${size(one.size)}`;
      return `${painted(1, 1, head)}\n${branches(nest(one.changes), '', most).join('')}`;
    })
    .join('\n');
}

/** What is deeper than shown is counted in its directory's line. */
function branches(node: Nested, indent: string, depth: number): string[] {
  if (depth === 0) return [];
  return node.children.flatMap((child, i) => {
    const isLast = i === node.children.length - 1;
    const lead = `${indent}${isLast ? '└── ' : '├── '}`;
    const deeper = branches(child, `${indent}${isLast ? '    ' : '│   '}`, depth - 1);
    return [`${lead}${labelOf(child)}\n`, ...deeper];
  });
}

/** `+ bin/  3.2MB  120 files`: a sign and a colour for what was done to it. */
export function labelOf(node: Nested): string {
  const { kind, isDirectory, files } = node;
  const [sign, colour] = SIGNS[kind ?? 'passed'];
  const count = isDirectory ? `  ${files} file${files === 1 ? '' : 's'}` : '';
  const bytes = node.size > 0 || !isDirectory ? `  ${size(node.size)}` : '';
  const text = `${sign} ${node.name}${isDirectory ? '/' : ''}${bytes}${count}`;
  return colour === 0 ? text : painted(1, colour, text);
}

const SIGNS = {
  added: ['+', 32],
  changed: ['~', 33],
  deleted: ['-', 31],
  passed: [' ', 0],
} as const;
