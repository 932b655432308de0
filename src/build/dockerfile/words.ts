import { replaceMatches, trimPrefix, trimSuffix } from './pattern.ts';

/** The variables that an expansion sees; undefined means unset. */
export type Variables = (name: string) => string | undefined;

/**
 * Splits at white space outside of quotes and `${}`, and leaves quotes and variables as they are
 * for `expand`. Pure.
 */
export function splitWords(text: string, esc = '\\'): string[] {
  const words: string[] = [];
  let word = '';
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      if (word !== '') words.push(word);
      word = '';
      at++;
      continue;
    }
    const end = endOfPiece(text, at, esc);
    word += text.slice(at, end);
    at = end;
  }
  if (word !== '') words.push(word);
  return words;
}

/**
 * One word with its variables put in and its quotes taken off, by the rules of the Dockerfile
 * reference: `$x ${x} ${x:-d} ${x-d} ${x:+a} ${x+a} ${x:?e} ${x?e} ${x#p} ${x##p} ${x%p} ${x%%p}
 * ${x/p/r} ${x//p/r}`; nothing is expanded between single quotes or after the escape character.
 *
 * @throws {SyntaxError} unclosed quotes or braces, an unknown modifier, `${x:?e}` where x is unset.
 */
export function expand(word: string, variables: Variables, esc = '\\'): string {
  let out = '';
  for (let at = 0; at < word.length; ) {
    const char = word[at] ?? '';
    const end = endOfPiece(word, at, esc);
    const piece = word.slice(at, end);
    if (char === "'") out += unquoted(piece, "'");
    else if (char === '"') out += expandQuoted(unquoted(piece, '"', esc), variables, esc);
    else if (char === esc) out += piece.slice(1);
    else if (char === '$') out += substitute(piece, variables, esc);
    else out += piece;
    at = bounded(out, end, Math.max(LONGEST_WORD, word.length));
  }
  return out;
}

/**
 * A heredoc's content with its variables put in. Quotes in it are the file's own and stay; a
 * backslash vanishes and keeps what follows from meaning anything, as in BuildKit.
 *
 * @throws {SyntaxError} as `expand`
 */
export function expandText(text: string, variables: Variables): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const isPiece = text[at] === '$' || text[at] === '\\';
    const end = isPiece ? endOfPiece(text, at, '\\') : at + 1;
    const piece = text.slice(at, end);
    if (text[at] === '$') out += substitute(piece, variables, '\\');
    else out += isPiece ? piece.slice(1) : piece;
    at = bounded(out, end, Math.max(LONGEST_TEXT, text.length));
  }
  return out;
}

/** So many characters a word may have with its variables put in: the kernel takes no longer ones (execve(2)). */
const LONGEST_WORD = 128 * 1024;
/** And a heredoc. */
const LONGEST_TEXT = 16 * 1024 * 1024;

/** A variable that is its own value twice doubles with every line. @throws {SyntaxError} */
function bounded(out: string, next: number, longest: number): number {
  if (out.length <= longest) return next;
  throw new SyntaxError(`with its variables put in it is longer than ${longest} characters`);
}

/** So deep may `${a:-${b:-…}}` go. */
const MAX_DEPTH = 64;
const NAME = /\$(?:\d+|[a-zA-Z_]\w*|[@*#?\-!$])?/y;

/** Where the piece ends that begins at `at`: a quoted string, an escaped character, a variable. */
function endOfPiece(text: string, at: number, esc: string, depth = 0): number {
  const char = text[at];
  if (char === esc) return Math.min(at + 2, text.length);
  if (char === "'") return text.indexOf("'", at + 1) + 1 || text.length;
  if (char === '"') return closing(text, at + 1, '"', esc, depth);
  if (char === '$' && text[at + 1] === '{') return closing(text, at + 2, '}', esc, depth + 1);
  if (char !== '$') return at + 1;
  NAME.lastIndex = at;
  NAME.exec(text);
  return NAME.lastIndex;
}

/** Braces nest, between double quotes too: `"${a:-"${b}"}"`. */
function closing(text: string, from: number, end: '"' | '}', esc: string, depth: number): number {
  if (depth > MAX_DEPTH) throw new SyntaxError('substitutions are nested too deeply');
  for (let at = from; at < text.length; ) {
    const char = text[at];
    if (char === end) return at + 1;
    const isPlain = end === '"' && char !== esc && !(char === '$' && text[at + 1] === '{');
    at = isPlain ? at + 1 : endOfPiece(text, at, esc, depth + 1);
  }
  return text.length;
}

function unquoted(piece: string, quote: string, esc = ''): string {
  let escapes = 0;
  while (esc !== '' && piece[piece.length - 2 - escapes] === esc) escapes++;
  if (piece.length < 2 || !piece.endsWith(quote) || escapes % 2 === 1)
    throw new SyntaxError(`unexpected end of statement while looking for matching ${quote}`);
  return piece.slice(1, -1);
}

/** Between double quotes the escape character keeps its meaning only before `"`, `$` and itself. */
function expandQuoted(text: string, variables: Variables, esc: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const [char = '', next = ''] = [text[at], text[at + 1]];
    if (char === esc && ['"', '$', esc].includes(next)) {
      out += next;
      at += 2;
    } else if (char === '$') {
      const end = endOfPiece(text, at, esc);
      out += substitute(text.slice(at, end), variables, esc);
      at = end;
    } else {
      out += char;
      at++;
    }
  }
  return out;
}

/** The value of `$x` or `${x…}`. */
function substitute(piece: string, variables: Variables, esc: string): string {
  if (piece === '$') return '$';
  if (!piece.startsWith('${')) return variables(piece.slice(1)) ?? '';
  if (!piece.endsWith('}')) throw new SyntaxError("syntax error: missing '}'");
  const [, name, rest = ''] = /^(\w+|[@*#?\-!$])(.*)$/s.exec(piece.slice(2, -1)) ?? [];
  if (name === undefined) throw new SyntaxError(`syntax error: bad substitution in ${piece}`);
  if (rest === '') return variables(name) ?? '';
  const [, modifier = ''] = /^(:[-+?]|[-+?]|##?|%%?|\/\/?)/.exec(rest) ?? [];
  const word = rest.slice(modifier.length);
  if (modifier === '')
    throw new SyntaxError(`unsupported modifier (${rest.slice(0, 2)}) in substitution ${piece}`);
  const about = { name, word, variables, esc };
  return /^[#%/]/.test(modifier) ? edited(modifier, about) : chosen(modifier, about);
}

interface Substitution {
  readonly name: string;
  /** What follows the modifier. */
  readonly word: string;
  readonly variables: Variables;
  readonly esc: string;
}

/** `-`, `+` and `?`; with a colon an empty value is as good as none. */
function chosen(modifier: string, { name, word, variables, esc }: Substitution): string {
  const value = variables(name);
  const isSet = modifier.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
  const alternative = () => expand(word, variables, esc);
  if (modifier.endsWith('-')) return isSet ? (value ?? '') : alternative();
  if (modifier.endsWith('+')) return isSet ? alternative() : '';
  if (isSet) return value ?? '';
  const fault = value === undefined ? 'unset' : 'empty';
  throw new SyntaxError(`${name}: ${alternative() || `is not allowed to be ${fault}`}`);
}

/** `#`, `%` and `/`, which take a pattern. */
function edited(modifier: string, { name, word, variables, esc }: Substitution): string {
  const value = variables(name) ?? '';
  const pattern = (text: string) => expandPattern(text, variables, esc);
  const isDouble = modifier.length === 2;
  if (modifier.startsWith('#')) return trimPrefix(value, pattern(word), isDouble);
  if (modifier.startsWith('%')) return trimSuffix(value, pattern(word), isDouble);
  const slash = endOfPattern(word, esc);
  if (slash === undefined) throw new SyntaxError(`syntax error: missing '/' in \${${name}…}`);
  const by = expand(word.slice(slash + 1), variables, esc);
  return replaceMatches(value, pattern(word.slice(0, slash)), by, isDouble);
}

function endOfPattern(word: string, esc: string): number | undefined {
  for (let at = 0; at < word.length; at = endOfPiece(word, at, esc))
    if (word[at] === '/') return at;
  return undefined;
}

/** As `expand`, but what was escaped stays so, for the pattern: always with a backslash. */
function expandPattern(text: string, variables: Variables, esc: string): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const end = endOfPiece(text, at, esc);
    const piece = text.slice(at, end);
    out += text[at] === esc ? `\\${piece.slice(1) || '\\'}` : expand(piece, variables, esc);
    at = end;
  }
  return out;
}
