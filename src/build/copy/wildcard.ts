import { literal, matches, type Token } from '../automaton.ts';

/**
 * The names that one component of a source means: Go's `filepath.Match`, which is `*`, `?`, `[a-z]`,
 * `[^a-z]` and `\x`. Names are RawPaths: a character of UTF-8 is several of theirs, so that `?` takes
 * a whole one. Pure.
 *
 * @throws {SyntaxError} a class that does not end, or has nothing in it; a backslash at the end
 */
export function nameMatcher(pattern: string): (name: string) => boolean {
  return matcher(tokensOf(pattern, () => true));
}

/** Whether a source is more than a name: it may also be one with backslashes in it. */
export function isPattern(source: string): boolean {
  return /[*?[\\]/.test(source);
}

/** Whether a source means many files, of which there may be none without a mistake. */
export function isWildcard(source: string): boolean {
  return /[*?[]/.test(source.replace(/\\./gs, ''));
}

/**
 * The paths that a pattern of `.dockerignore` means, which has `**` too: any number of directories.
 * Paths are relative RawPaths, and so is the pattern.
 *
 * @throws {SyntaxError} as `nameMatcher`
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const pieces = pattern.split(/(\*\*\/?)/);
  const tokens = pieces.flatMap((piece, index): readonly Said[] => {
    if (index % 2 === 0) return tokensOf(piece, (char) => char !== '/');
    const isLast = pieces.slice(index + 1).every((rest) => rest === '');
    return isLast ? [ANY] : [{ token: { optional: 2 } }, ANY, { token: literal('/') }];
  });
  return matcher(tokens);
}

/** A token, and its character if it is one that every match has. */
interface Said {
  readonly token: Token;
  readonly char?: string;
}

const ANY: Said = { token: { takes: () => true, repeats: true } };

function said(char: string): Said {
  return { token: literal(char), char };
}

/**
 * Most files are told from most patterns by how they begin or end, as they lie there; only the rest is
 * taken apart into characters.
 */
function matcher(tokens: readonly Said[]): (raw: string) => boolean {
  const first = tokens.findIndex(({ char }) => char === undefined);
  const last = tokens.findLastIndex(({ char }) => char === undefined);
  const rawOf = (some: readonly Said[]) =>
    Buffer.from(some.map(({ char }) => char).join('')).toString('latin1');
  if (first < 0) {
    const only = rawOf(tokens);
    return (raw) => raw === only;
  }
  const begins = rawOf(tokens.slice(0, first));
  const ends = rawOf(tokens.slice(last + 1));
  const middle = tokens.slice(first, last + 1).map(({ token }) => token);
  return (raw) => {
    const end = raw.length - ends.length;
    if (end < begins.length || !raw.startsWith(begins) || !raw.endsWith(ends)) return false;
    const text = Buffer.from(raw.slice(begins.length, end), 'latin1').toString('utf8');
    return matches(middle, [...text]);
  };
}

/** Of what holds no `**`. @param any what a `*` and a `?` may stand for */
function tokensOf(pattern: string, any: (char: string) => boolean): Said[] {
  const chars = [...Buffer.from(pattern, 'latin1').toString('utf8')];
  const bad = () => new SyntaxError(`syntax error in pattern: '${chars.join('')}'`);
  const tokens: Said[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') tokens.push({ token: { takes: any, repeats: true } });
    else if (char === '?') tokens.push({ token: { takes: any, repeats: false } });
    else if (char === '[') {
      const end = classEnd(chars, at);
      if (end === undefined) throw bad();
      tokens.push({ token: { takes: classOf(chars.slice(at + 1, end), bad), repeats: false } });
      at = end;
    } else if (char === '\\') {
      const next = chars[++at];
      if (next === undefined) throw bad();
      tokens.push(said(next));
    } else tokens.push(said(char));
  }
  return tokens;
}

function classEnd(chars: readonly string[], from: number): number | undefined {
  for (let at = from + 1; at < chars.length; at++) {
    if (chars[at] === '\\') at++;
    else if (chars[at] === ']') return at;
  }
  return undefined;
}

/** `a-z`, `^a-z`: whether a character is in it. */
function classOf(chars: readonly string[], bad: () => SyntaxError): (char: string) => boolean {
  const isNegated = chars[0] === '^';
  const members: string[] = [];
  let isEscaped = false;
  for (const char of isNegated ? chars.slice(1) : chars) {
    if (char === '\\' && !isEscaped) isEscaped = true;
    else {
      members.push(char !== '-' ? quoted(char) : isEscaped ? '\\-' : '-');
      isEscaped = false;
    }
  }
  const isWhole = members.length > 0 && members[0] !== '-' && members.at(-1) !== '-';
  if (!isWhole || isEscaped || members.join('').includes('--')) throw bad();
  try {
    const wanted = new RegExp(`^[${isNegated ? '^' : ''}${members.join('')}]$`, 'su');
    return (char) => wanted.test(char);
  } catch {
    throw bad();
  }
}

function quoted(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
