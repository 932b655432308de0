import { readFileSync } from 'node:fs';
import { ClocheError } from '../error.ts';

/**
 * The lines of a file that are no comments, as `--env-file` and `--label-file` have them and as docker
 * reads them: quotes are part of a value.
 *
 * @param what a line is, for whoever has written another
 * @throws {ClocheError} `FILE_NOT_FOUND`, `ENV_INVALID`
 */
export function entriesOf(file: string, what = 'environment variable'): string[] {
  const lines = textOf(file)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  return lines.flatMap((line) => {
    const entry = line.trimStart();
    if (entry === '' || entry.startsWith('#')) return [];
    const name = entry.split('=')[0] ?? '';
    if (name !== '' && !/\s/.test(name)) return [entry];
    throw new ClocheError('ENV_INVALID', `${file}: '${entry}' is no ${what}`, {
      class: 'invalid-argument',
      hint: 'a line looks like KEY=value; a variable without = has our own value',
    });
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ClocheError('FILE_NOT_FOUND', `open ${file}: no such file or directory`, {
      class: 'not-found',
      cause,
    });
  }
}
