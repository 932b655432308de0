import { fstatSync, writeSync } from 'node:fs';
import { ClocheError } from '../error.ts';

/** Standard output and standard error. */
export type Fd = 1 | 2;

const loaded = new Map<Fd, NodeJS.WriteStream>();

/**
 * Standard output or error as a stream. That takes longer to load than a file to be written, so only
 * those ask for it who want to know how large a terminal is; the others `print`.
 */
export function standard(fd: Fd): NodeJS.WriteStream {
  const known = loaded.get(fd);
  if (known !== undefined) return known;
  const stream = fd === 1 ? process.stdout : process.stderr;
  // What it could not write because nobody reads it is lost to nobody.
  stream.on('error', () => undefined);
  loaded.set(fd, stream);
  return stream;
}

/**
 * Writes, and waits for a slow reader.
 *
 * @throws {ClocheError} `PIPE_CLOSED`: nobody reads it any more, so whatever is under way may end
 */
export function print(text: string, fd: Fd = 1): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    // What a stream still holds comes first.
    while (!loaded.has(fd) && written < bytes.length) written += writeSync(fd, bytes, written);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') {
      // Who does not want to hear errors does not hear them.
      if (fd === 2) return;
      throw pipeClosed();
    }
    // EAGAIN: a full pipe that does not block. The stream waits.
  }
  if (written < bytes.length) standard(fd).write(bytes.subarray(written));
}

export const PIPE_CLOSED = 'PIPE_CLOSED';

export function pipeClosed(): ClocheError {
  return new ClocheError(PIPE_CLOSED, 'nobody reads what is printed any more');
}

/** Whether it is a terminal; a pipe and `/dev/null` are none, which is known without a stream. */
export function isTerminal(fd: Fd): boolean {
  return isTerminalDevice(fd) && standard(fd).isTTY === true;
}

/** Whether people look at it: then it may have colours. */
export function isForPeople(fd: Fd): boolean {
  return process.env.NO_COLOR === undefined && isTerminal(fd);
}

/** Wraps text in a terminal's code if people look at it: 31 red, 33 yellow, 2 faint. */
export function painted(fd: Fd, code: number, text: string): string {
  return isForPeople(fd) ? `\x1b[${code}m${text}\x1b[0m` : text;
}

/** Resolves when all that streams hold has gone, or nobody reads it any more: else it would be lost with us. */
export async function flushed(): Promise<void> {
  for (const [fd, stream] of loaded) if (isPipe(fd)) await ended(stream);
}

function ended(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.end(() => resolve());
  });
}

/** Files and terminals are never slow. */
function isPipe(fd: Fd): boolean {
  const stat = statOf(fd);
  return stat !== undefined && (stat.isFIFO() || stat.isSocket());
}

function isTerminalDevice(fd: Fd): boolean {
  const stat = statOf(fd);
  return stat?.isCharacterDevice() === true && stat.rdev >> 8 !== MEMORY_DEVICES;
}

/** The major number of `/dev/null` and its like. */
const MEMORY_DEVICES = 1;

/** Undefined where it is closed. */
function statOf(fd: Fd) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
