import { ClocheError } from '../../error.ts';
import { find, readNode, type Tree } from '../../image/tree.ts';

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
  const [user = '', group] = text.split(':');
  const entry = lookUp(tree, 'etc/passwd', user);
  const uid = /^\d+$/.test(user) ? Number(user) : Number(entry?.[2] ?? notFound('user', user));
  if (group === undefined || group === '')
    return { uid, gid: /^\d+$/.test(user) ? uid : Number(entry?.[3] ?? uid) };
  if (/^\d+$/.test(group)) return { uid, gid: Number(group) };
  const gid = lookUp(tree, 'etc/group', group)?.[2] ?? notFound('group', group);
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
