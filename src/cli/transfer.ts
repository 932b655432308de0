import { InvalidArgumentError } from 'commander';
import type { TransferEvent } from '../image/registry/index.ts';
import { size as inUnits } from './output.ts';
import { type Fd, isTerminal, print, standard } from './print.ts';

/** How a pull or a push shows how far it is. */
export interface TransferView {
  show(event: TransferEvent): void;
  /** After it nothing is drawn over any more. */
  end(): void;
}

/** `auto` is `tty` at a terminal and `plain` elsewhere; `json` is docker's own progress, a line each. */
export type ProgressKind = 'auto' | 'plain' | 'tty' | 'json' | 'quiet';

/** Reads `--progress`. */
export function progressKind(text: string): ProgressKind {
  if (text === 'auto' || text === 'plain' || text === 'tty' || text === 'json') return text;
  throw new InvalidArgumentError('it is one of auto, plain, tty, json.');
}

export function transferView(kind: ProgressKind, fd: Fd = 1): TransferView {
  const write = (text: string) => print(text, fd);
  if (kind === 'quiet') return { show: () => undefined, end: () => undefined };
  if (kind === 'json')
    return { show: (event) => write(`${JSON.stringify(event)}\n`), end: () => undefined };
  // A terminal that was never told its size says 0.
  if (kind === 'tty' || (kind === 'auto' && isTerminal(fd))) {
    const stream = standard(fd);
    return terminalView(write, () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }));
  }
  return plainView(write);
}

/** `5c32499ab806: Pull complete`: one line for each thing that has become true, none for bytes. */
export function plainView(write: (text: string) => void): TransferView {
  return {
    show: ({ id, status, progressDetail }) => {
      if (progressDetail === undefined) write(`${id === undefined ? '' : `${id}: `}${status}\n`);
    },
    end: () => undefined,
  };
}

/**
 * Docker's look: a line for each layer, rewritten in place. What has no layer ends the block.
 *
 * @param size how large the terminal is now; a line that has left it cannot be rewritten
 */
export function terminalView(
  write: (text: string) => void,
  size: () => { readonly columns: number; readonly rows: number },
): TransferView {
  const lines: string[] = [];
  const draw = (id: string, event: TransferEvent) => {
    const known = lines.indexOf(id);
    if (known < 0) lines.push(id);
    const up = known < 0 ? 0 : lines.length - known;
    const { columns, rows } = size();
    if (up >= rows) return;
    const text = lineOf(event).slice(0, columns - 1);
    const move = (by: number, code: string) => (by === 0 ? '' : `\x1b[${by}${code}`);
    write(`${move(up, 'A')}\r\x1b[2K${text}${up === 0 ? '\n' : `\r${move(up, 'B')}`}`);
  };
  return {
    show: (event) => {
      if (event.id !== undefined) return draw(event.id, event);
      lines.length = 0;
      write(`${event.status}\n`);
    },
    end: () => {
      lines.length = 0;
    },
  };
}

/** Characters between the brackets, as docker has it. */
const BAR = 50;

function lineOf({ id, status, progressDetail }: TransferEvent): string {
  if (progressDetail === undefined || progressDetail.total === 0) return `${id}: ${status}`;
  const { current, total } = progressDetail;
  const filled = Math.min(BAR, Math.floor((current / total) * BAR));
  const bar = filled === BAR ? '='.repeat(BAR) : `${'='.repeat(filled)}>`.padEnd(BAR);
  return `${id}: ${status} [${bar}] ${inUnits(current).padStart(7)}/${inUnits(total)}`;
}
