/**
 * Patterns with wildcards, matched in a time that is at most their length times that of the text: all places
 * of the pattern where one may be are followed at once. A regular expression tries them one after the other,
 * and of `*a*a*a…b` there are more than anybody can wait for. Pure.
 */
export type Token =
  /** One character, or with `repeats` any number of them, none too. */
  | { readonly takes: (char: string) => boolean; readonly repeats: boolean }
  /** So many of the tokens behind it, all together, may be left out. */
  | { readonly optional: number };

/** Just this character. */
export function literal(wanted: string): Token {
  return { takes: (char) => char === wanted, repeats: false };
}

/** Whether the pattern means the whole text. @param chars code points, one each */
export function matches(pattern: readonly Token[], chars: readonly string[]): boolean {
  return walk(pattern, chars, 0, () => undefined).has(pattern.length);
}

/** Every place where a match that begins at `from` may end, in order. */
export function matchEnds(
  pattern: readonly Token[],
  chars: readonly string[],
  from: number,
): number[] {
  const ends: number[] = [];
  walk(pattern, chars, from, (at) => ends.push(at));
  return ends;
}

/** @param onEnd told of each place where the pattern is through. @returns where in the pattern the text ends */
function walk(
  pattern: readonly Token[],
  chars: readonly string[],
  from: number,
  onEnd: (at: number) => void,
): ReadonlySet<number> {
  let states = withSkips(new Set([0]), pattern);
  for (let at = from; states.size > 0; at++) {
    if (states.has(pattern.length)) onEnd(at);
    const char = chars[at];
    if (char === undefined) break;
    const next = new Set<number>();
    for (const state of states) {
      const token = pattern[state];
      if (token === undefined || 'optional' in token || !token.takes(char)) continue;
      next.add(token.repeats ? state : state + 1);
    }
    states = withSkips(next, pattern);
  }
  return states;
}

/** With the places that are reached without a character; a set that is iterated shows what is added to it. */
function withSkips(states: Set<number>, pattern: readonly Token[]): Set<number> {
  for (const state of states) {
    const token = pattern[state];
    if (token === undefined) continue;
    if ('optional' in token) states.add(state + 1).add(state + 1 + token.optional);
    else if (token.repeats) states.add(state + 1);
  }
  return states;
}
