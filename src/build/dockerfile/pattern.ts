import { literal, matchEnds, type Token } from '../automaton.ts';

/**
 * Shell patterns in `${x#…}` and its like: `*` is any text, `?` one character, a backslash takes the
 * meaning from what follows. Pure.
 */
const ANY: Token = { takes: () => true, repeats: true };
const ONE: Token = { takes: () => true, repeats: false };

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
    else found.push(literal(char === '\\' ? (chars[++at] ?? '\\') : char));
  }
  return found;
}
