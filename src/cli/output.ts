import { writeSync } from 'node:fs';
import { ClocheError } from '../error.ts';

/** Whether people look at this stream: then it may have colours. */
export function isForPeople(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && process.env.NO_COLOR === undefined;
}

/** Wraps text in a terminal's code if the stream is a terminal: 31 red, 33 yellow, 2 faint. */
export function painted(stream: NodeJS.WriteStream, code: number, text: string): string {
  return isForPeople(stream) ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Says what went wrong and what to do about it, on stderr. @returns 1, the exit code for it. */
export function printError(error: unknown): number {
  const { stderr } = process;
  if (error instanceof ClocheError) {
    stderr.write(`${painted(stderr, 31, 'cloche:')} ${error.message}\n`);
    if (error.hint !== undefined) stderr.write(`${painted(stderr, 33, 'hint:')} ${error.hint}\n`);
    if (process.env.CLOCHE_DEBUG !== undefined) console.error(error.details, error.cause);
    return 1;
  }
  stderr.write(
    `${painted(stderr, 31, 'cloche:')} unexpected: ${(error as Error)?.stack ?? error}\n`,
  );
  return 1;
}

/**
 * Does `action` for each name, and says what went wrong with one before it goes on to the next, as
 * docker does; the exit code is 1 then.
 */
export async function forEachName(
  names: readonly string[],
  action: (name: string) => void | Promise<void>,
): Promise<void> {
  for (const name of names) {
    try {
      await action(name);
    } catch (error) {
      process.exitCode = printError(error);
    }
  }
}

/** A short line on standard output, for those who print no more: `process.stdout` takes its time to load. */
export function printLine(line: string): void {
  try {
    writeSync(1, `${line}\n`);
  } catch {
    // A full pipe that does not block: the stream waits.
    process.stdout.write(`${line}\n`);
  }
}

export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings)
    process.stderr.write(`${painted(process.stderr, 33, 'warning:')} ${warning}\n`);
}

/** Says what could not be cleared away after a container's end. */
export function printLeftover(error: ClocheError): void {
  printWarnings([`${error.message}; the next command tries again`]);
}

/** Rows under headings, columns as wide as their widest cell, three blanks between, as docker has them. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + 3)))
      .join('')
      .trimEnd();
  return `${[headings, ...rows].map(line).join('\n')}\n`;
}

/** `3 minutes`, in docker's words. */
export function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const units: readonly [number, string][] = [
    [86_400 * 365, 'year'],
    [86_400 * 30, 'month'],
    [86_400 * 7, 'week'],
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
    [1, 'second'],
  ];
  if (seconds < 1) return 'Less than a second';
  for (const [size, name] of units) {
    const count = Math.floor(seconds / size);
    if (count === 1 && (name === 'hour' || name === 'minute'))
      return name === 'hour' ? 'About an hour' : 'About a minute';
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return 'Less than a second';
}

/** Bytes in docker's decimal units, three significant digits: `118MB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${units[unit]}`;
}
