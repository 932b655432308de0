/** Where a page is written. */
export interface Paper {
  readonly out: (text: string) => void;
  /** Columns of the terminal at this moment; undefined where it is none. */
  readonly columns: () => number | undefined;
}

/**
 * What stands on the screen: text that stays, and below it one line that changes. That line is never
 * wider than the terminal, or what it leaves behind could not be wiped away. Where there is no
 * terminal, each of its states stays as a line.
 */
export class Page {
  private readonly paper: Paper;
  private readonly dim: (text: string) => string;
  /** What was last shown, and how it was drawn: in a terminal of another width it is drawn anew. */
  private shown = '';
  private drawn = '';

  constructor(paper: Paper, dim: (text: string) => string) {
    this.paper = paper;
    this.dim = dim;
  }

  /** Text with its last newline; the changing line gives way to it. */
  say(text: string): void {
    this.clear();
    this.paper.out(`${text}\n`);
  }

  /** The changing line; written only when it changes. */
  show(status: string): void {
    const columns = this.paper.columns();
    if (columns === undefined) {
      if (status !== this.shown) this.paper.out(`${this.dim(`   … ${status}`)}\n`);
      this.shown = status;
      return;
    }
    const line = cut(`   … ${status}`, columns - 1);
    if (line === this.drawn) return;
    this.clear();
    this.paper.out(this.dim(line));
    this.drawn = line;
  }

  /** Wipes the changing line away. */
  clear(): void {
    const columns = this.paper.columns();
    this.shown = '';
    if (columns !== undefined && this.drawn !== '') {
      // A terminal that became narrower has broken the line; it began some lines further up.
      const up = Math.ceil(Bun.stringWidth(this.drawn) / columns) - 1;
      this.paper.out(`${up > 0 ? `\u001b[${up}A` : ''}\r\u001b[J`);
    }
    this.drawn = '';
  }
}

function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
