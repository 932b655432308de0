import { ClocheError } from '../error.ts';
import { PIPE_CLOSED, painted, print } from './print.ts';

/**
 * Says what went wrong and what to do about it, on stderr. @returns the exit code for it: 1, or that of
 * SIGPIPE, which is no news to whoever has closed the pipe.
 */
export function printError(error: unknown): number {
  if (error instanceof ClocheError && error.code === PIPE_CLOSED) return 141;
  if (error instanceof ClocheError) {
    const { above, hint } = arranged(error);
    if (above !== '') print(`${above}\n`, 2);
    print(`${painted(2, 31, 'cloche:')} ${error.message}\n`, 2);
    if (hint !== '') print(`${painted(2, 33, 'hint:')} ${hint}\n`, 2);
    if (process.env.CLOCHE_DEBUG !== undefined) console.error(error.details, error.cause);
    return 1;
  }
  print(`${painted(2, 31, 'cloche:')} unexpected: ${(error as Error)?.stack ?? error}\n`, 2);
  return 1;
}

/**
 * A build's error ends its hint with what the program has printed and with the lines of the Dockerfile.
 * They are no hint: docker shows them first, and the message last.
 */
function arranged({ hint = '', details: { output, excerpt } }: ClocheError) {
  const printed = Array.isArray(output) ? ['------', ...output, '------'].join('\n') : '';
  const parts = [printed, String(excerpt ?? '')].filter((one) => one !== '' && hint.includes(one));
  const left = parts.reduce((text, part) => text.replace(part, ''), hint);
  return { above: parts.join('\n'), hint: left.trim().replace(/\n+/g, '\n') };
}

/**
 * Does `action` for each name, and says what went wrong with one before it goes on to the next, as
 * docker does; the exit code is 1 then.
 *
 * @param tolerated the code of an error that is said, and is none: with `--force` what is not there
 */
export async function forEachName(
  names: readonly string[],
  action: (name: string) => void | Promise<void>,
  tolerated?: string,
): Promise<void> {
  for (const name of names) {
    try {
      await action(name);
    } catch (error) {
      sayFailed(error, tolerated);
    }
  }
}

/**
 * As `forEachName`, but side by side: what takes ten seconds takes them once. What each came to is said
 * in the order in which they were named, the name of one with which nothing went wrong.
 */
export async function forAllNames(
  names: readonly string[],
  action: (name: string) => Promise<unknown>,
  tolerated?: string,
): Promise<void> {
  const done = new Map<string, Promise<unknown>>();
  const ends = names.map((name) => {
    // One that is named twice is not at odds with itself.
    const end = (done.get(name) ?? Promise.resolve()).then(() => action(name));
    const settled = end.then(
      () => ({ name }),
      (error: unknown) => ({ name, error }),
    );
    done.set(name, settled);
    return settled;
  });
  for (const end of ends) {
    const { name, ...failed } = await end;
    if ('error' in failed) sayFailed(failed.error, tolerated);
    else print(`${name}\n`);
  }
}

function sayFailed(error: unknown, tolerated: string | undefined): void {
  const code = printError(error);
  if (!(error instanceof ClocheError) || error.code !== tolerated) process.exitCode = code;
}

export function printWarnings(warnings: readonly string[]): void {
  for (const warning of warnings) print(`${painted(2, 33, 'warning:')} ${warning}\n`, 2);
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

/** `3 minutes ago`; of a time that nobody knows, which is written as 1970 or earlier, `N/A`. */
export function ago(time: Date): string {
  const at = time.getTime();
  return at > 0 ? `${duration(Date.now() - at)} ago` : 'N/A';
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

/** Bytes in binary units, as docker has those of memory: `1.5MiB`. */
export function binarySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(4))}${units[power]}`;
}
