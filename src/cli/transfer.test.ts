import { expect, test } from 'bun:test';
import type { TransferEvent } from '../image/registry/index.ts';
import { plainView, terminalView } from './transfer.ts';

const EVENTS: TransferEvent[] = [
  { id: 'latest', status: 'Pulling from library/x' },
  { id: 'aaa', status: 'Pulling fs layer' },
  { id: 'bbb', status: 'Pulling fs layer' },
  { id: 'aaa', status: 'Downloading', progressDetail: { current: 1_000_000, total: 4_000_000 } },
  { id: 'aaa', status: 'Downloading', progressDetail: { current: 4_000_000, total: 4_000_000 } },
  { id: 'bbb', status: 'Pull complete' },
  { id: 'aaa', status: 'Pull complete' },
  { status: 'Digest: sha256:1234' },
];

test('elsewhere than at a terminal each change is one line, and bytes are none', () => {
  let text = '';
  const view = plainView((piece) => {
    text += piece;
  });
  EVENTS.forEach(view.show);
  expect(text.split('\n')).toEqual([
    'latest: Pulling from library/x',
    'aaa: Pulling fs layer',
    'bbb: Pulling fs layer',
    'bbb: Pull complete',
    'aaa: Pull complete',
    'Digest: sha256:1234',
    '',
  ]);
});

test('at a terminal each layer has a line of its own, with a bar', () => {
  const screen = new Screen();
  const view = terminalView(
    (text) => screen.write(text),
    () => ({ columns: 100, rows: 24 }),
  );
  for (const event of EVENTS.slice(0, 4)) view.show(event);
  expect(screen.lines()).toEqual([
    'latest: Pulling from library/x',
    `aaa: Downloading [${'='.repeat(12)}>${' '.repeat(37)}]     1MB/4MB`,
    'bbb: Pulling fs layer',
  ]);
  for (const event of EVENTS.slice(4)) view.show(event);
  expect(screen.lines()).toEqual([
    'latest: Pulling from library/x',
    'aaa: Pull complete',
    'bbb: Pull complete',
    'Digest: sha256:1234',
  ]);
});

test('a line is never longer than the terminal is wide', () => {
  const screen = new Screen();
  const view = terminalView(
    (text) => screen.write(text),
    () => ({ columns: 40, rows: 24 }),
  );
  EVENTS.forEach(view.show);
  for (const line of screen.lines()) expect(line.length).toBeLessThan(40);
});

test('what has left the screen is not drawn over what is on it', () => {
  const screen = new Screen();
  const view = terminalView(
    (text) => screen.write(text),
    () => ({ columns: 80, rows: 3 }),
  );
  for (let i = 0; i < 6; i++) view.show({ id: `layer${i}`, status: 'Waiting' });
  view.show({ id: 'layer0', status: 'Pull complete' });
  view.show({ id: 'layer5', status: 'Pull complete' });
  expect(screen.lines()).toEqual([
    ...[0, 1, 2, 3, 4].map((i) => `layer${i}: Waiting`),
    'layer5: Pull complete',
  ]);
});

/** As much of a terminal as is written to: lines, the cursor up and down, a line cleared. */
class Screen {
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told with
    for (const [, code, key] of text.matchAll(/\x1b\[([0-9]*[A-Z])|([\s\S])/g)) {
      if (code !== undefined) this.#move(Number.parseInt(code, 10), code.at(-1) ?? '');
      else if (key === '\r') this.#column = 0;
      else if (key === '\n') this.#newline();
      else this.#put(key ?? '');
    }
  }

  lines(): string[] {
    return this.#lines.filter((line, i) => line !== '' || i < this.#lines.length - 1);
  }

  #move(count: number, code: string): void {
    if (code === 'A') this.#row -= count;
    if (code === 'B') this.#row += count;
    if (code === 'K') this.#lines[this.#row] = '';
  }

  #newline(): void {
    this.#row++;
    this.#column = 0;
    this.#lines[this.#row] ??= '';
  }

  #put(key: string): void {
    const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
    this.#lines[this.#row] = line.slice(0, this.#column) + key + line.slice(this.#column + 1);
    this.#column++;
  }
}
