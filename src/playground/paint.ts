/** How text is made to stand out; without colours every function gives the text as it is. */
export interface Paint {
  title(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** `code` within prose. */
  code(text: string): string;
  /** *Emphasis* within prose. */
  emphasis(text: string): string;
}

export function paint(colours: boolean): Paint {
  const sgr = (code: string) => (text: string) =>
    colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  return {
    title: sgr('1;36'),
    bold: sgr('1'),
    dim: sgr('2'),
    good: sgr('32'),
    bad: sgr('31'),
    code: colours ? sgr('33') : (text) => `\`${text}\``,
    emphasis: colours ? sgr('3') : (text) => `*${text}*`,
  };
}

/** Lines longer than this are hard to read, however wide the terminal is. */
const WIDEST = 96;

/** As wide as text may be on a terminal of so many columns; where nobody knows them, the widest. */
export function textWidth(columns = WIDEST): number {
  return Math.max(20, Math.min(WIDEST, columns));
}

const INDENT = '   ';

/**
 * Prose for a terminal: paragraphs broken at `width` columns and indented, `code` and *emphasis*
 * painted. Code is not broken, since it is to be typed; a listing, whose lines begin with blanks, stays.
 */
export function prose(text: string, brush: Paint, width = WIDEST): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) =>
      joined(paragraph)
        .map((line) => (isListing(line) ? INDENT + line : filled(painted(line, brush), width)))
        .join('\n'),
    )
    .join('\n\n');
}

/**
 * One paragraph broken at `width` columns: `first` stands before its first line, and as many blanks
 * before the others. Escape sequences take no room.
 */
export function filled(text: string, width = WIDEST, first = INDENT): string {
  const indent = ' '.repeat(Bun.stringWidth(first));
  const room = width - indent.length;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && Bun.stringWidth(longer) <= room) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines
    .map((line, at) => (at === 0 ? first : indent) + line.replaceAll(HARD_BLANK, ' '))
    .join('\n');
}

/** A blank at which a line is not broken; it stands in no lesson. */
const HARD_BLANK = '\u00a0';

function painted(line: string, brush: Paint): string {
  return line.replace(/`([^`]+)`|\*([^\s*][^*]*)\*/g, (_, code?: string, emphasis = '') =>
    (code === undefined ? brush.emphasis(emphasis) : brush.code(code)).replaceAll(' ', HARD_BLANK),
  );
}

function isListing(line: string): boolean {
  return line.startsWith('  ');
}

/** Lines of one sentence together; listings apart. */
function joined(paragraph: string): string[] {
  const lines: string[] = [];
  for (const line of paragraph.split('\n')) {
    const last = lines.at(-1);
    if (isListing(line) || last === undefined || isListing(last)) lines.push(line);
    else lines[lines.length - 1] = `${last} ${line.trim()}`;
  }
  return lines;
}
