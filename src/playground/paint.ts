/** How text is made to stand out; without colours every function gives the text as it is. */
export interface Paint {
  title(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** `code` within prose. */
  code(text: string): string;
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
  };
}

/** Prose for a terminal: paragraphs broken at `width` columns, indented, with `code` painted. */
export function prose(text: string, brush: Paint, width = 96, indent = '   '): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => broken(paragraph, width - indent.length))
    .map((lines) => lines.map((line) => indent + line).join('\n'))
    .join('\n\n')
    .replace(/`([^`]+)`/g, (_, code: string) => brush.code(code));
}

/** Words into lines; a line that begins with blanks (a listing) stays as it is. */
function broken(paragraph: string, width: number): string[] {
  const lines: string[] = [];
  for (const line of joined(paragraph)) {
    if (line.startsWith('  ')) {
      lines.push(line);
      continue;
    }
    let current = '';
    for (const word of line.split(' ')) {
      if (current !== '' && current.length + 1 + word.length > width) {
        lines.push(current);
        current = word;
      } else current = current === '' ? word : `${current} ${word}`;
    }
    lines.push(current);
  }
  return lines;
}

/** Lines of one sentence together; listings apart. */
function joined(paragraph: string): string[] {
  const lines: string[] = [];
  for (const line of paragraph.split('\n')) {
    const last = lines.at(-1);
    if (line.startsWith('  ') || last === undefined || last.startsWith('  ')) lines.push(line);
    else lines[lines.length - 1] = `${last} ${line.trim()}`;
  }
  return lines;
}
