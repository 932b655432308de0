import { type Command, InvalidArgumentError } from 'commander';

/** Collects an option that may be given many times. */
export function many(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `80m`, `1.5g`, `1024` → bytes, in docker's binary units. */
export function bytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw new InvalidArgumentError('a size looks like 80m or 1.5g.');
  const power = 'bkmgt'.indexOf((match[2] || 'b').toLowerCase());
  return Math.round(Number(match[1]) * 1024 ** power);
}

/** A positive number such as `0.5`. */
export function positive(text: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError('it must be a number above 0.');
  return number;
}

/** A whole number; -1 means no limit. */
export function whole(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

/** How a container is asked to end, alike for `stop` and `restart`. */
export interface StopFlags {
  readonly signal?: string;
  /** Seconds. */
  readonly timeout?: number;
}

export function withStopFlags(command: Command): Command {
  return command
    .option('-s, --signal <signal>', "the signal to ask with; else the image's, or TERM")
    .option('-t, --timeout <seconds>', 'how long to wait before KILL (-1: for ever; 10)', whole);
}
