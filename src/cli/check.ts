import type { Warning } from '../build/index.ts';
import { print } from './print.ts';

/** What `build --check` found, as docker prints it; the exit code is 1 where it found anything. */
export function printWarnings(warnings: readonly Warning[], progress: string): void {
  if (warnings.length > 0) process.exitCode = 1;
  if (progress === 'json') {
    print(`${JSON.stringify(warnings)}\n`);
    return;
  }
  const count = warnings.length === 1 ? '1 warning has' : `${warnings.length} warnings have`;
  const verdict = warnings.length === 0 ? 'no warnings found.' : `${count} been found!`;
  const each = warnings.map(
    ({ rule, url, message, excerpt }) => `\nWARNING: ${rule} - ${url}\n${message}\n${excerpt}\n`,
  );
  print(`Check complete, ${verdict}\n${each.join('')}`);
}
