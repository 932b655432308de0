import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClocheError } from '../../error.ts';
import type { Engine } from '../engine.ts';
import { shimEnded } from '../life/leftovers.ts';
import { isAlive } from '../life/processes.ts';
import { type Container, directoryOf } from '../life/records.ts';

/** A line of a container's output, or its last words without a line's end. */
export interface LogLine {
  /** When its first byte was written: milliseconds since the epoch, and nanoseconds of the second. */
  readonly time: number;
  readonly nanoseconds: number;
  readonly stream: 'stdout' | 'stderr';
  /** With its line feed, if it had one. */
  readonly text: Uint8Array;
}

export interface LogOptions {
  /** Go on until the container has ended. */
  readonly follow?: boolean | undefined;
  /** Only so many of the lines that are there. */
  readonly tail?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/**
 * The output of a container that was started in the background, line by line.
 *
 * @throws {ClocheError} `LOG_NOT_KEPT`: it has only run in the foreground.
 */
export async function* readLog(
  engine: Engine,
  container: Container,
  options: LogOptions = {},
): AsyncGenerator<LogLine> {
  const { follow = false, tail = Number.POSITIVE_INFINITY } = options;
  const lines = new Lines();
  const isWanted = ({ time }: LogLine) =>
    time >= (options.since ?? 0) && time <= (options.until ?? Number.POSITIVE_INFINITY);
  let most = tail;
  for await (const round of rounds(engine, container, { follow, pause: 50 })) {
    const ended = [...lines.of(round)];
    // Last words without a line's end are a line, unless there may be more of it.
    const there = (follow ? ended : [...ended, ...lines.rest()]).filter(isWanted);
    yield* there.slice(Math.max(0, there.length - most));
    most = Number.POSITIVE_INFINITY;
  }
  if (follow) yield* lines.rest().filter(isWanted);
}

/**
 * What it prints from now on, in the pieces in which it comes, until it ends.
 *
 * @param since milliseconds since the epoch
 * @throws {ClocheError} `LOG_NOT_KEPT`
 */
export async function* readPieces(
  engine: Engine,
  container: Container,
  since: number,
): AsyncGenerator<LogRecord> {
  // Somebody may be typing, and wait for the echo.
  for await (const round of rounds(engine, container, { follow: true, pause: 10 }))
    yield* round.filter(({ time }) => time >= since);
}

/** What is in the log, and with `follow` what comes to it, in looks of which the last is after the end. */
async function* rounds(
  engine: Engine,
  container: Container,
  { follow, pause }: { readonly follow: boolean; readonly pause: number },
): AsyncGenerator<LogRecord[]> {
  const path = join(directoryOf(engine, container.id), 'log');
  // The shim opens it a moment after the container is said to run.
  for (let tries = 0; tries < 100 && container.status === 'running'; tries++) {
    if (existsSync(path)) break;
    await sleep(10);
  }
  if (!existsSync(path)) {
    if (container.status === 'created') return;
    throw new ClocheError('LOG_NOT_KEPT', `the output of '${container.name}' was not kept`, {
      class: 'not-found',
      hint: 'what a container prints in the foreground is seen once; start it with -d or cloche start',
    });
  }
  const fd = openSync(path, 'r');
  try {
    const reader = new LogReader(fd);
    yield [...reader.records()];
    for (let goesOn = follow; goesOn; ) {
      goesOn = isAlive(container);
      // The shim writes down what is still in the pipes before it ends, too.
      if (!goesOn) await shimEnded(container);
      yield [...reader.records()];
      if (goesOn) await sleep(pause);
    }
  } finally {
    closeSync(fd);
  }
}

/** A piece of output as the shim has written it: a header of 32 bytes and what was read at once. */
export interface LogRecord extends Omit<LogLine, 'text'> {
  readonly data: Uint8Array;
}

const HEADER_SIZE = 32;

/** Reads whole records, and leaves a half one for the next time. */
class LogReader {
  readonly #fd: number;
  #rest = new Uint8Array();

  constructor(fd: number) {
    this.#fd = fd;
  }

  *records(): Generator<LogRecord> {
    const chunk = new Uint8Array(2 ** 18);
    for (let read = this.#read(chunk); read > 0; read = this.#read(chunk)) {
      const bytes = new Uint8Array(this.#rest.length + read);
      bytes.set(this.#rest);
      bytes.set(chunk.subarray(0, read), this.#rest.length);
      let at = 0;
      for (let end = endOf(bytes, at); end <= bytes.length; end = endOf(bytes, at)) {
        yield recordIn(bytes.subarray(at, end));
        at = end;
      }
      this.#rest = bytes.slice(at);
    }
  }

  #read(chunk: Uint8Array): number {
    return readSync(this.#fd, chunk, 0, chunk.length, null);
  }
}

/** Where the record at `at` ends; beyond all bytes when even its header is not whole. */
function endOf(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < HEADER_SIZE) return Number.POSITIVE_INFINITY;
  return at + HEADER_SIZE + Number(viewOf(bytes).getBigUint64(at + 24, true));
}

function recordIn(bytes: Uint8Array): LogRecord {
  const view = viewOf(bytes);
  const nanoseconds = Number(view.getBigUint64(8, true));
  return {
    time: Number(view.getBigUint64(0, true)) * 1000 + Math.floor(nanoseconds / 1e6),
    nanoseconds,
    stream: view.getBigUint64(16, true) === 2n ? 'stderr' : 'stdout',
    data: bytes.subarray(HEADER_SIZE),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Puts lines together, of each stream by itself. */
class Lines {
  readonly #begun = new Map<LogLine['stream'], LogLine>();

  *of(records: Iterable<LogRecord>): Generator<LogLine> {
    for (const { data, ...about } of records) {
      let from = 0;
      for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
        yield this.#ended(about, data.subarray(from, end + 1));
        from = end + 1;
      }
      if (from < data.length) this.#begun.set(about.stream, this.#ended(about, data.slice(from)));
    }
  }

  /** What has not come to a line's end. */
  rest(): LogLine[] {
    return [...this.#begun.values()];
  }

  #ended(about: Omit<LogLine, 'text'>, text: Uint8Array): LogLine {
    const begun = this.#begun.get(about.stream);
    if (begun === undefined) return { ...about, text };
    this.#begun.delete(about.stream);
    return { ...begun, text: Buffer.concat([begun.text, text]) };
  }
}
