import type { Checked } from '../build/index.ts';
import { print } from './print.ts';

/**
 * What `build --check` found, as docker prints it; the exit code is 1 where it found anything.
 *
 * @throws {ClocheError} why the build would be refused, after all else is said
 */
export function printChecked({ warnings, error }: Checked, progress: string): void {
  if (warnings.length > 0) process.exitCode = 1;
  if (progress === 'json') print(`${JSON.stringify(warnings)}\n`);
  else if (warnings.length > 0 || error === undefined) print(inWords(warnings));
  if (error !== undefined) throw error;
}

function inWords(warnings: Checked['warnings']): string {
  const count = warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`;
  const verdict = warnings.length === 0 ? 'no warnings found.' : `${count} been found!`;
  const each = warnings.map(
    ({ rule, url, message, excerpt }) => `\nWARNING: ${rule} - ${url}\n${message}\n${excerpt}\n`,
  );
  return `Check complete, ${verdict}\n${each.join('')}`;
}
