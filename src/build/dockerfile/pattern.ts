/**
 * Shell patterns in `${x#…}` and its like: `*` is any text, `?` one character, a backslash takes the
 * meaning from what follows. They are matched without regular expressions, whose time some patterns
 * could make grow without bounds. Pure.
 */
type Token = typeof ANY | typeof ONE | string;
const ANY = Symbol('any text');
const ONE = Symbol('any character');

/** `${x#pattern}`; with `longest` `${x##pattern}`. */
export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  const chars = [...value];
  const ends = matchEnds(tokens(pattern), chars, 0);
  const end = longest ? ends.at(-1) : ends[0];
  return chars.slice(end ?? 0).join('');
}

/** `${x%pattern}`; with `longest` `${x%%pattern}`. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const chars = [...value].reverse();
  const ends = matchEnds(tokens(pattern).reverse(), chars, 0);
  const end = longest ? ends.at(-1) : ends[0];
  return chars
    .slice(end ?? 0)
    .reverse()
    .join('');
}

/** `${x/pattern/by}`: the first match, the longest there; with `all` `${x//pattern/by}`. */
export function replaceMatches(value: string, pattern: string, by: string, all: boolean): string {
  const chars = [...value];
  const wanted = tokens(pattern);
  let out = '';
  let hasMatched = false;
  for (let at = 0; at < chars.length; ) {
    const end: number = (hasMatched && !all ? [] : matchEnds(wanted, chars, at)).at(-1) ?? at;
    const isMatch = end > at;
    out += isMatch ? by : (chars[at] ?? '');
    hasMatched ||= isMatch;
    at = isMatch ? end : at + 1;
  }
  return out;
}

function tokens(pattern: string): Token[] {
  const found: Token[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '*') found.push(ANY);
    else if (char === '?') found.push(ONE);
    else found.push(char === '\\' ? (chars[++at] ?? '\\') : char);
  }
  return found;
}

/** Every place where a match that begins at `from` may end, in order. */
function matchEnds(pattern: readonly Token[], chars: readonly string[], from: number): number[] {
  const ends: number[] = [];
  let states = withSkips(new Set([0]), pattern);
  for (let at = from; states.size > 0; at++) {
    if (states.has(pattern.length)) ends.push(at);
    if (at >= chars.length) break;
    const next = new Set<number>();
    for (const state of states) {
      const token = pattern[state];
      if (token === ANY) next.add(state);
      else if (token === ONE || token === chars[at]) next.add(state + 1);
    }
    states = withSkips(next, pattern);
  }
  return ends;
}

/** A `*` may stand for nothing. */
function withSkips(states: Set<number>, pattern: readonly Token[]): Set<number> {
  for (const state of states) if (pattern[state] === ANY) states.add(state + 1);
  return states;
}
