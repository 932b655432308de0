import { ClocheError } from '../../error.ts';
import { treeOf } from '../../image/index.ts';
import { find, readNode, type Tree } from '../../image/tree.ts';
import type { CopyInputs } from './inputs.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What `--chown` names, by the image's own `/etc/passwd` and `/etc/group`. A user without a group
 * has the group of its own number, as docker has it for COPY.
 *
 * @throws {ClocheError} `USER_NOT_FOUND`
 */
export function ownerOf(tree: Tree, text: string): Owner {
  return ownerBy(tree, text, notFound);
}

/** As `ownerOf`, of what a COPY stands on. */
export function ownerIn({ store, base }: Pick<CopyInputs, 'store' | 'base'>, chown: string): Owner {
  return ownerOf(treeOf(store, base), chown);
}

/**
 * Whose a directory of WORKDIR is, of what USER says; who is not in the image's files is root there, as in
 * BuildKit: RUN will say that he is missing, and an image that runs nothing need not know him.
 */
export function ownerOrRoot(tree: Tree, user: string): Owner {
  return user === '' ? ROOT : ownerBy(tree, user, (_, __, own) => own);
}

const ROOT: Owner = { uid: 0, gid: 0 };

/** @param missing gives an id instead of one that no file has; `own` is root's, or the user's group */
function ownerBy(
  tree: Tree,
  text: string,
  missing: (kind: 'user' | 'group', name: string, own: number) => number,
): Owner {
  const [user = '', group] = text.split(':');
  const isNumber = /^\d+$/.test(user);
  const entry = isNumber ? undefined : lookUp(tree, 'etc/passwd', user);
  const uid = isNumber ? Number(user) : Number(entry?.[2] ?? missing('user', user, 0));
  const own = Number(entry?.[3] ?? uid);
  if (group === undefined || group === '') return { uid, gid: own };
  if (/^\d+$/.test(group)) return { uid, gid: Number(group) };
  const gid = lookUp(tree, 'etc/group', group)?.[2] ?? missing('group', group, own);
  return { uid, gid: Number(gid) };
}

function lookUp(tree: Tree, path: string, name: string): string[] | undefined {
  const node = tree.layers.length === 0 ? undefined : find(tree, path);
  if (node?.kind !== 'file') return undefined;
  const lines = readNode(tree, node).toString('utf8').split('\n');
  return lines.map((line) => line.split(':')).find(([first]) => first === name);
}

function notFound(kind: 'user' | 'group', name: string): never {
  const file = kind === 'user' ? '/etc/passwd' : '/etc/group';
  throw new ClocheError('USER_NOT_FOUND', `invalid ${kind}: no '${name}' in the image's ${file}`, {
    class: 'not-found',
    hint: `Make it first, with RUN ${kind}add, or give a number.`,
  });
}
