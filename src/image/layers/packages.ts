import type { RawPath } from '../layer/scan.ts';
import { children, find, readNode, type Tree } from '../tree.ts';

/**
 * Which package each path belongs to, as `package bash`, from dpkg's lists (also distroless' ones,
 * `var/lib/dpkg/status.d/*.md5sums`) and apk's database. Empty where there are none.
 */
export function packagesOf(tree: Tree): ReadonlyMap<RawPath, string> {
  return new Map([
    ...fromLists(tree, 'var/lib/dpkg/info', '.list', (line) => line),
    ...fromLists(tree, 'var/lib/dpkg/status.d', '.md5sums', (line) => line.split(/\s+/)[1] ?? ''),
    ...fromApk(tree),
  ]);
}

function* fromLists(
  tree: Tree,
  directory: RawPath,
  ending: string,
  pathIn: (line: string) => string,
): Generator<[RawPath, string]> {
  const node = find(tree, directory);
  if (node?.kind !== 'directory') return;
  for (const list of children(tree, node)) {
    if (list.kind !== 'file' || !list.path.endsWith(ending)) continue;
    const name = list.path.slice(list.path.lastIndexOf('/') + 1, -ending.length);
    const label = `package ${name.split(':')[0]}`;
    for (const line of readNode(tree, list).toString('latin1').split('\n'))
      for (const path of spellings(pathIn(line).replace(/^\//, ''))) yield [path, label];
  }
}

/** Packages still say `/bin/sh`, which has been in `/usr/bin` since the merge of the two. */
function spellings(path: RawPath): RawPath[] {
  return /^(bin|sbin|lib\w*)\//.test(path) ? [path, `usr/${path}`] : [path];
}

/** `P:` begins a package, `F:` names a directory, `R:` a file in it. */
function* fromApk(tree: Tree): Generator<[RawPath, string]> {
  const node = find(tree, 'lib/apk/db/installed');
  if (node?.kind !== 'file') return;
  let [label, directory] = ['', ''];
  for (const line of readNode(tree, node).toString('latin1').split('\n')) {
    const rest = line.slice(2);
    if (line.startsWith('P:')) label = `package ${rest}`;
    else if (line.startsWith('F:')) directory = rest === '' ? '' : `${rest}/`;
    else if (line.startsWith('R:')) yield [`${directory}${rest}`, label];
  }
}
