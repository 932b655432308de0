/**
 * What a terminal's output reads like for a person: escape sequences are dropped, a line that was
 * written over (`\r`) keeps its last state, and a character that was rubbed out (`\b`) is gone. Pure.
 */
export function plainText(output: string): string {
  return output
    .replace(ESCAPES, '')
    .replace(/\r+\n/g, '\n')
    .split('\n')
    .map((line) => rubbedOut(line.slice(line.lastIndexOf('\r', line.length - 2) + 1)))
    .join('\n');
}

/** CSI (colours, cursor, bracketed paste), OSC (window titles), and the two-character escapes. */
const ESCAPES = new RegExp(
  [
    '\u001b\\[[0-?]*[ -/]*[@-~]',
    '\u001b\\][^\u0007\u001b]*(?:\u0007|\u001b\\\\)',
    '\u001b[@-Z=>78]',
  ].join('|'),
  'g',
);

function rubbedOut(line: string): string {
  let text = '';
  for (const char of line.replace(/\r$/, '')) {
    if (char === '\b') text = text.slice(0, -1);
    else if (char !== '\u0007') text += char;
  }
  return text;
}

/** Whether the last line is a shell's prompt with nothing typed after it: it ends in `# ` or `$ `. */
export function endsInPrompt(text: string): boolean {
  return /(^|\n)[^\n]*[#$] $/.test(text);
}
