import { children, components, find, type Node, type Tree } from '../../image/tree.ts';
import { isPattern, nameMatcher } from './wildcard.ts';

/** A file that a source names, and the name by which: links on the way are not followed in it. */
export interface Picked {
  readonly node: Node;
  readonly name: string;
}

/**
 * The files that one source of a COPY names, in the order of their names: one, or with wildcards any
 * number. They stand for one component (`wildcard.ts`), `**` for any number of directories. A link
 * that is named itself is followed, inside the tree.
 *
 * @throws {SyntaxError} a pattern that is none
 */
export function pick(tree: Tree, source: string): Picked[] {
  const names = components(source);
  const first = names.findIndex(isPattern);
  if (first < 0) {
    const node = find(tree, names.join('/'));
    return node === undefined ? [] : [{ node, name: names.join('/') }];
  }
  const above = names.slice(0, first).join('/');
  const start = find(tree, above);
  return start === undefined
    ? []
    : matching(tree, { node: start, name: above }, names.slice(first));
}

/**
 * @param seen where the patterns have been, and with how many left: many `**` lead to one directory in more
 * ways than can be gone
 */
function matching(
  tree: Tree,
  start: Picked,
  patterns: readonly string[],
  seen = new Set<string>(),
): Picked[] {
  const place = `${patterns.length} ${start.name}`;
  if (seen.has(place)) return [];
  seen.add(place);
  const [pattern, ...rest] = patterns;
  if (pattern === undefined) return [{ ...start, node: find(tree, start.node.path) ?? start.node }];
  if (start.node.kind !== 'directory') return [];
  const inside = children(tree, start.node).map((node) => ({ node, name: nameIn(start, node) }));
  if (pattern === '**' && rest.length === 0) return inside;
  if (pattern === '**')
    return [
      ...matching(tree, start, rest, seen),
      ...inside
        .filter(({ node }) => node.kind === 'directory')
        .flatMap((one) => matching(tree, one, patterns, seen)),
    ];
  const isWanted = nameMatcher(pattern);
  return inside
    .filter(({ node }) => isWanted(node.path.slice(node.path.lastIndexOf('/') + 1)))
    .flatMap((one) => {
      const followed = rest.length === 0 ? one.node : find(tree, one.node.path);
      return followed === undefined ? [] : matching(tree, { ...one, node: followed }, rest, seen);
    });
}

function nameIn(parent: Picked, node: Node): string {
  const name = node.path.slice(node.path.lastIndexOf('/') + 1);
  return parent.name === '' ? name : `${parent.name}/${name}`;
}
