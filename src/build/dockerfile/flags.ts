/** The flags that a statement begins with, and what follows them. */
export interface Flagged {
  /** `--from=base` → from: base; a flag without value has ''. */
  readonly flags: readonly (readonly [name: string, value: string])[];
  readonly text: string;
}

/**
 * Takes the words off that begin with `--`; a bare `--` ends them. A value may be quoted, or have
 * characters after a backslash, whatever the escape directive says. Pure.
 */
export function takeFlags(text: string): Flagged {
  const flags: [string, string][] = [];
  let rest = text.trimStart();
  while (rest.startsWith('--')) {
    const { word, length } = firstWord(rest);
    rest = rest.slice(length).trimStart();
    if (word === '--') break;
    const equals = word.indexOf('=');
    flags.push(equals < 0 ? [word.slice(2), ''] : [word.slice(2, equals), word.slice(equals + 1)]);
  }
  return { flags, text: rest.trimEnd() };
}

function firstWord(text: string): { word: string; length: number } {
  let word = '';
  let quote = '';
  let at = 0;
  for (; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quote === '' && /\s/.test(char)) break;
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else word += char === '\\' ? (text[++at] ?? '') : char;
  }
  return { word, length: at };
}
