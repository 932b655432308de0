import {
  closeSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { ClocheError } from '../error.ts';
import { isTerminal, pipeClosed } from './print.ts';

/** A file by its path, or standard input for `-` and nothing. @throws `TERMINAL_REFUSED`, `FILE_NOT_FOUND` */
export function input(path: string | undefined): AsyncIterable<Uint8Array> {
  if (path !== undefined && path !== '-') return createReadStream('', { fd: opened(path) });
  if (process.stdin.isTTY)
    throw new ClocheError('TERMINAL_REFUSED', 'requested load from stdin, but stdin is empty', {
      class: 'invalid-argument',
      hint: 'Name a file, or send it in: cloche … < FILE.',
    });
  return Bun.stdin.stream();
}

/**
 * What a web server sends; nothing is asked before the first piece is wanted.
 *
 * @throws {ClocheError} `URL_UNAVAILABLE`
 */
export async function* download(url: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const failed = (reason: string, cause?: unknown) =>
    new ClocheError('URL_UNAVAILABLE', `cannot get '${url}': ${reason}`, {
      class: 'unavailable',
      cause,
    });
  const answer = await fetch(url, { signal }).catch((cause: Error) => {
    throw signal.aborted ? signal.reason : failed(cause.message, cause);
  });
  if (!answer.ok || answer.body === null) throw failed(`${answer.status} ${answer.statusText}`);
  yield* answer.body;
}

/**
 * Writes pieces to a file, which is there only when all of it is, or to standard output.
 *
 * @throws {ClocheError} `TERMINAL_REFUSED`: nobody wants to see an archive.
 */
export async function output(
  path: string | undefined,
  all: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
) {
  const pieces = until(signal, all);
  if (path === undefined && isTerminal(1))
    throw new ClocheError(
      'TERMINAL_REFUSED',
      'cowardly refusing to save to a terminal. Use the -o flag or redirect',
      { class: 'invalid-argument' },
    );
  if (path === undefined) await toStdout(pieces);
  else if (isSpecial(path)) await write(openSync(path, 'w'), pieces);
  else await toFile(path, pieces);
}

/** `/dev/null` or a fifo, which is written to and not replaced. */
function isSpecial(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

async function toStdout(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const writer = Bun.stdout.writer();
  for await (const piece of pieces) {
    await read(() => writer.write(piece));
    await read(() => writer.flush());
  }
  await read(() => writer.end());
}

/** @throws {ClocheError} `PIPE_CLOSED` */
async function read(write: () => unknown): Promise<void> {
  try {
    await write();
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EPIPE' ? pipeClosed() : error;
  }
}

async function toFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  try {
    await write(openSync(temporary, 'wx', 0o644), pieces);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function write(fd: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const piece of pieces)
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
    if (fstatSync(fd).isFile()) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The path, if it can be opened. @throws {ClocheError} `FILE_NOT_FOUND` */
export function readable(path: string): string {
  closeSync(opened(path));
  return path;
}

function opened(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new ClocheError('FILE_NOT_FOUND', `open ${path}: no such file or directory`, {
      class: 'not-found',
      cause,
    });
  }
}

async function* until<T>(signal: AbortSignal, pieces: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const piece of pieces) {
    signal.throwIfAborted();
    yield piece;
  }
}
