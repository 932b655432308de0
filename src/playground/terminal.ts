import type { Subprocess } from 'bun';
import { ClocheError } from '../error.ts';
import type { Typed } from './lesson.ts';
import { endsInPrompt, plainText } from './screen.ts';

/** A shell on the host in a terminal of its own (a pty), typed into like a person would. */
export class Terminal {
  private output = '';
  /** How much of the plain text was handed to `onLine`, in characters. */
  private told = 0;
  private changed: () => void = () => undefined;
  private readonly decoder = new TextDecoder();
  private readonly shell: Subprocess;
  private readonly about: TerminalAbout;

  constructor(about: TerminalAbout) {
    this.about = about;
    this.shell = Bun.spawn(['bash', '--noprofile', '--norc', '-i'], {
      cwd: about.folder,
      env: { ...about.env, PS1: 'host$ ', TERM: 'xterm', HISTFILE: '/dev/null' },
      terminal: { cols: COLUMNS, rows: 50, data: (_, bytes) => this.take(bytes) },
    });
    this.shell.exited.then(() => this.changed());
  }

  /** Resolves when the shell is ready for its first line. */
  async ready(): Promise<void> {
    await this.until(0, (text) => endsInPrompt(text), 10, 'its first prompt');
  }

  /**
   * Types the line and waits for what it promises: the prompt's return (unless it `stays`) and
   * `see` on the screen.
   *
   * @returns what appeared, without the line's own echo and the prompt.
   * @throws {ClocheError} `TERMINAL_SILENT` (time is over; says what was on the screen),
   * `TERMINAL_CLOSED`, `PROMISE_BROKEN` (the prompt is back, and what the lesson promises to be
   * seen was not), `INTERRUPTED`.
   */
  async type(typed: Typed): Promise<string> {
    const start = plainText(this.output).length;
    this.write(typed.control === undefined ? `${typed.line}\n` : controlKey(typed.control));
    const seconds = typed.within ?? 20;
    const { see } = typed;
    if (typed.stays === true) {
      await this.until(
        start,
        (text) => text.includes('\n') && (see?.test(text) ?? true),
        seconds,
        see,
      );
      return this.since(start);
    }
    const entered = (text: string) => typed.control !== undefined || text.includes('\n');
    const back = (text: string) => entered(text) && endsInPrompt(text);
    await this.until(start, back, seconds, 'the prompt');
    const shown = this.since(start);
    if (see !== undefined && !see.test(shown)) throw this.broken(typed, see, shown);
    return shown;
  }

  /** Ends the shell and what it runs, as closing the window does. */
  async close(): Promise<void> {
    this.shell.terminal?.close();
    this.shell.kill('SIGHUP');
    const gone = await Promise.race([this.shell.exited.then(() => true), Bun.sleep(3000)]);
    if (gone !== true) this.shell.kill('SIGKILL');
    await this.shell.exited;
  }

  private write(keys: string): void {
    if (this.shell.exitCode !== null) throw this.closed();
    this.shell.terminal?.write(keys);
  }

  private take(bytes: Uint8Array): void {
    this.output += this.decoder.decode(bytes, { stream: true });
    const text = plainText(this.output);
    const end = text.lastIndexOf('\n') + 1;
    if (end > this.told) {
      for (const line of text.slice(this.told, end - 1).split('\n')) this.about.onLine(line);
      this.told = end;
    }
    this.changed();
  }

  private async until(
    start: number,
    reached: (text: string) => boolean,
    seconds: number,
    wanted: string | RegExp | undefined,
  ): Promise<void> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const seen = this.output.length;
      const holds = reached(plainText(this.output).slice(start));
      // A prompt counts when nothing follows it: a line that only looks like one goes on at once.
      if (holds && (await this.quiet(seen))) return;
      if (this.about.signal?.aborted === true) throw interrupted();
      if (this.shell.exitCode !== null) throw this.closed();
      const left = end - performance.now();
      if (left <= 0) throw this.silent(seconds, wanted);
      if (!holds) await this.news(Math.min(left, 200));
    }
  }

  private async quiet(seen: number): Promise<boolean> {
    await Bun.sleep(40);
    return this.output.length === seen;
  }

  private async news(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.changed = resolve;
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
  }

  private since(start: number): string {
    const lines = plainText(this.output).slice(start).split('\n');
    return lines.slice(1, endsInPrompt(lines.at(-1) ?? '') ? -1 : undefined).join('\n');
  }

  private screen(): string {
    return plainText(this.output).split('\n').slice(-15).join('\n');
  }

  private silent(seconds: number, wanted: string | RegExp | undefined): ClocheError {
    return new ClocheError(
      'TERMINAL_SILENT',
      `waited ${seconds} s in terminal ${this.about.name} for ${wanted}, in vain`,
      { class: 'unavailable', details: { screen: this.screen() } },
    );
  }

  private closed(): ClocheError {
    return new ClocheError(
      'TERMINAL_CLOSED',
      `the shell in terminal ${this.about.name} has ended`,
      {
        class: 'unavailable',
        details: { screen: this.screen(), exitCode: this.shell.exitCode },
      },
    );
  }

  private broken(typed: Typed, see: RegExp, shown: string): ClocheError {
    return new ClocheError(
      'PROMISE_BROKEN',
      `"${typed.line}" in terminal ${typed.terminal} did not show ${see}`,
      { details: { screen: shown } },
    );
  }
}

export interface TerminalAbout {
  readonly name: string;
  /** Where the shell starts. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Is told every whole line that appears, as plain text. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** Wide enough that no line of a lesson is broken, since a broken line is hard to recognise. */
const COLUMNS = 160;

function controlKey(letter: string): string {
  return String.fromCharCode(letter.toUpperCase().charCodeAt(0) - 64);
}

function interrupted(): ClocheError {
  return new ClocheError('INTERRUPTED', 'the lesson was interrupted', {
    hint: 'what it has made is taken away again',
  });
}
