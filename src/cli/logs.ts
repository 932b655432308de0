import { writeSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type Engine, getContainer, openEngine, settleAll } from '../engine/index.ts';
import { type LogLine, type LogOptions, readLog } from '../engine/look/logs.ts';
import { timeOf } from './filters.ts';

/** `cloche logs`: what a container in the background has printed, each stream to ours. */
export function logsCommand(): Command {
  return new Command('logs')
    .description('Show the output of a container')
    .argument('<container>')
    .option('-f, --follow', 'go on until it ends', false)
    .option('-n, --tail <lines>', 'only so many of the last lines, or all', lineCount)
    .option('--since <time>', 'since a time, or so long ago, such as 10m')
    .option('--until <time>', 'until a time, or so long ago')
    .option('-t, --timestamps', 'say when each line came', false)
    .action(async (name: string, flags: Flags) => {
      const engine = openEngine();
      await settleAll(engine);
      const { follow, tail, timestamps } = flags;
      const since = flags.since === undefined ? undefined : timeOf(flags.since);
      const until = flags.until === undefined ? undefined : timeOf(flags.until);
      await printLog(engine, name, { follow, tail, since, until }, timestamps);
    });
}

interface Flags {
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps: boolean;
}

/** Prints what a container has printed, stdout to stdout and stderr to stderr. */
export async function printLog(
  engine: Engine,
  name: string,
  options: LogOptions,
  timestamps = false,
): Promise<void> {
  for await (const line of readLog(engine, getContainer(engine, name), options)) {
    const fd = line.stream === 'stdout' ? 1 : 2;
    const text = timestamps
      ? Buffer.concat([Buffer.from(`${spelled(line)} `), line.text])
      : line.text;
    if (!writeAll(fd, text)) return;
  }
}

/** Whole, in its order with the other stream's. @returns whether anybody still reads it */
export function writeAll(fd: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return false;
      if (code !== 'EAGAIN') throw error;
      Bun.sleepSync(5);
    }
  }
  return true;
}

/** RFC 3339 with nanoseconds, as docker has it. */
function spelled({ time, nanoseconds }: LogLine): string {
  const seconds = new Date(time).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}Z`;
}

function lineCount(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a number of lines, or all.');
  return Number(text);
}
