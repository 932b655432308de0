/**
 * The names that one component of a source means: Go's `filepath.Match`, which is `*`, `?`, `[a-z]`,
 * `[^a-z]` and `\x`. Names are RawPaths: a character of UTF-8 is several of theirs, so that `?` takes
 * a whole one. Pure.
 *
 * @throws {SyntaxError} a class that does not end, or has nothing in it; a backslash at the end
 */
export function nameMatcher(pattern: string): (name: string) => boolean {
  const wanted = new RegExp(`^${expression(pattern, '.')}$`, 'su');
  return (name) => wanted.test(Buffer.from(name, 'latin1').toString('utf8'));
}

/** Whether a source may name no file without being a mistake. */
export function isWildcard(source: string): boolean {
  return /[*?[\\]/.test(source);
}

/**
 * The paths that a pattern of `.dockerignore` means, which has `**` too: any number of directories.
 * Paths are relative RawPaths, and so is the pattern.
 *
 * @throws {SyntaxError} as `nameMatcher`
 */
export function pathMatcher(pattern: string): (path: string) => boolean {
  const pieces = pattern.split(/(\*\*\/?)/);
  const source = pieces.map((piece, index) => {
    if (index % 2 === 0) return expression(piece, '[^/]');
    const isLast = pieces.slice(index + 1).every((rest) => rest === '');
    return isLast ? '.*' : '(?:.*/)?';
  });
  const wanted = new RegExp(`^${source.join('')}$`, 'su');
  return (path) => wanted.test(Buffer.from(path, 'latin1').toString('utf8'));
}

/** @param one what matches any character that `*` may stand for */
function expression(pattern: string, one: string): string {
  const chars = [...Buffer.from(pattern, 'latin1').toString('utf8')];
  const bad = () => new SyntaxError(`syntax error in pattern: '${chars.join('')}'`);
  let source = '';
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') source += source.endsWith(`${one}*`) ? '' : `${one}*`;
    else if (char === '?') source += one;
    else if (char === '[') {
      const end = classEnd(chars, at);
      if (end === undefined) throw bad();
      source += classOf(chars.slice(at + 1, end), bad);
      at = end;
    } else if (char === '\\') {
      const next = chars[++at];
      if (next === undefined) throw bad();
      source += quoted(next);
    } else source += quoted(char);
  }
  return source;
}

function classEnd(chars: readonly string[], from: number): number | undefined {
  for (let at = from + 1; at < chars.length; at++) {
    if (chars[at] === '\\') at++;
    else if (chars[at] === ']') return at;
  }
  return undefined;
}

/** `a-z`, `^a-z` as a regular expression's class. */
function classOf(chars: readonly string[], bad: () => SyntaxError): string {
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
    const source = `[${isNegated ? '^' : ''}${members.join('')}]`;
    new RegExp(source, 'u');
    return source;
  } catch {
    throw bad();
  }
}

function quoted(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
