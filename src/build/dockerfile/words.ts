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
 * reference: `$x ${x} ${x:-d} ${x-d} ${x:+a} ${x+a} ${x:?e} ${x?e}`; nothing is expanded between
 * single quotes or after the escape character.
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
    else if (char === '"') out += expandQuoted(unquoted(piece, '"'), variables, esc);
    else if (char === esc) out += piece.slice(1);
    else if (char === '$') out += substitute(piece, variables, esc);
    else out += piece;
    at = end;
  }
  return out;
}

/**
 * A heredoc's content with its variables put in; quotes and escapes in it are the file's own and stay.
 *
 * @throws {SyntaxError} as `expand`
 */
export function expandText(text: string, variables: Variables, esc = '\\'): string {
  let out = '';
  for (let at = 0; at < text.length; ) {
    const isPiece = text[at] === '$' || text[at] === esc;
    const end = isPiece ? endOfPiece(text, at, esc) : at + 1;
    const piece = text.slice(at, end);
    out += text[at] === '$' ? substitute(piece, variables, esc) : piece;
    at = end;
  }
  return out;
}

/** Where the piece ends that begins at `at`: a quoted string, an escaped character, a variable. */
function endOfPiece(text: string, at: number, esc: string): number {
  const char = text[at];
  if (char === esc) return Math.min(at + 2, text.length);
  if (char === "'") return closing(text, at + 1, "'", '');
  if (char === '"') return closing(text, at + 1, '"', esc);
  if (char === '$' && text[at + 1] === '{') return closingBrace(text, at + 2, esc);
  if (char === '$') return at + (/^\$(\w+|[@*#?\-!$])?/.exec(text.slice(at))?.[0].length ?? 1);
  return at + 1;
}

function closing(text: string, from: number, quote: string, esc: string): number {
  for (let at = from; at < text.length; at++) {
    if (esc !== '' && text[at] === esc) at++;
    else if (text[at] === quote) return at + 1;
  }
  return text.length;
}

/** Braces nest: `${a:-${b}}`. */
function closingBrace(text: string, from: number, esc: string): number {
  for (let at = from; at < text.length; ) {
    if (text[at] === '}') return at + 1;
    at = endOfPiece(text, at, esc);
  }
  return text.length;
}

function unquoted(piece: string, quote: string): string {
  if (piece.length < 2 || !piece.endsWith(quote))
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
  const [, name, modifier = '', word = ''] =
    /^(\w+)(?:(:?[-+?])(.*))?$/s.exec(piece.slice(2, -1)) ?? [];
  if (name === undefined) throw new SyntaxError(`unsupported modifier in substitution: ${piece}`);
  const value = variables(name);
  const isSet = modifier.startsWith(':') ? (value ?? '') !== '' : value !== undefined;
  const alternative = () => expand(word, variables, esc);
  switch (modifier.at(-1)) {
    case '-':
      return isSet ? (value ?? '') : alternative();
    case '+':
      return isSet ? alternative() : '';
    case '?':
      if (!isSet) throw new SyntaxError(`${name}: ${alternative() || 'not allowed to be unset'}`);
  }
  return value ?? '';
}
