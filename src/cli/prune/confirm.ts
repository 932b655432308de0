import { readSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { size } from '../output.ts';
import { print } from '../print.ts';

/**
 * Says what will go and asks whether it may, as docker does: `y` and Enter, and anything else, or no
 * input at all, means no.
 *
 * @throws {ClocheError} `CANCELLED`
 */
export function confirm(what: string, warning: string): void {
  print(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  if (line().toLowerCase() === 'y') return;
  throw new ClocheError('CANCELLED', `${what} prune has been cancelled`, {
    class: 'conflict',
    hint: '--force does not ask',
  });
}

/** What was removed, under its heading; nothing where nothing was. */
export function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${heading}:\n${lines.join('\n')}\n\n`;
}

export function reclaimed(bytes: number): string {
  return `Total reclaimed space: ${size(bytes)}\n`;
}

function line(): string {
  const bytes = new Uint8Array(256);
  try {
    return new TextDecoder().decode(bytes.subarray(0, readSync(0, bytes))).trim();
  } catch {
    // There is no standard input.
    return '';
  }
}
