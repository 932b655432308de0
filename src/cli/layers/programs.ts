import type { Analysis, Change, Comparison, Difference, Group } from '../../image/layers/index.ts';

/** The analysis as JSON. Paths are text there: what is no UTF-8 shows as U+FFFD. */
export function analysisForPrograms({ instructions, wastedFiles, ...totals }: Analysis) {
  return {
    ...totals,
    instructions: instructions.map(({ changes, ...rest }) => ({
      ...rest,
      changes: changes.map((change: Change) => ({ ...change, path: textOf(change.path) })),
    })),
    wastedFiles: wastedFiles.map((file) => ({ ...file, path: textOf(file.path) })),
  };
}

export function comparisonForPrograms({ gone, added, ...sizes }: Comparison) {
  return { ...sizes, gone: gone.map(groupOf), added: added.map(groupOf) };
}

function groupOf({ name, size, files }: Group) {
  return {
    name: textOf(name),
    size,
    files: files.map((file: Difference) => ({ ...file, path: textOf(file.path) })),
  };
}

/** A path of bytes as text. */
export function textOf(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
