import { children, components, find, type Node, type Tree } from '../../image/tree.ts';

/**
 * The files that one source of a COPY names, in the order of their names: one, or with wildcards
 * (Go's `filepath.Match`: `*`, `?`, `[a-z]`, `\x`, a component at a time) any number. A link that is
 * named itself is followed, inside the tree.
 */
export function pick(tree: Tree, source: string): Node[] {
  const names = components(source);
  const first = names.findIndex((name) => /[*?[\\]/.test(name));
  if (first < 0) return [find(tree, names.join('/'))].filter((node) => node !== undefined);
  const start = find(tree, names.slice(0, first).join('/'));
  return start === undefined ? [] : matching(tree, start, names.slice(first));
}

/** Whether a source may name no file without being a mistake. */
export function isWildcard(source: string): boolean {
  return /[*?[\\]/.test(source);
}

function matching(tree: Tree, start: Node, patterns: readonly string[]): Node[] {
  const [pattern, ...rest] = patterns;
  if (pattern === undefined) return [find(tree, start.path) ?? start];
  if (start.kind !== 'directory') return [];
  const wanted = expression(pattern);
  return children(tree, start)
    .filter((node) => wanted.test(node.path.slice(node.path.lastIndexOf('/') + 1)))
    .flatMap((node) => {
      const followed = rest.length === 0 ? node : find(tree, node.path);
      return followed === undefined ? [] : matching(tree, followed, rest);
    });
}

/** @throws {SyntaxError} the pattern has no end */
function expression(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '\\') source += quoted(pattern[++at] ?? '\\');
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2);
      if (end < 0) throw new SyntaxError(`syntax error in pattern: '${pattern}'`);
      const set = pattern.slice(at + 1, end).replace(/[[\]\\]/g, '\\$&');
      source += `[${set}]`;
      at = end;
    } else source += quoted(char);
  }
  return new RegExp(`^${source}$`, 's');
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
