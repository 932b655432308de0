import { ClocheError } from '../../error.ts';

/**
 * A cgroup's path may come from a bundle that somebody else wrote, and must not lead elsewhere.
 *
 * @throws {ClocheError} `CGROUP_PATH_INVALID`
 */
export function requirePath(path: string): void {
  const names = path.split('/').slice(1);
  const isPlain = (name: string) => name !== '' && name !== '.' && name !== '..';
  if (path.startsWith('/') && names.every(isPlain) && !path.includes('\n')) return;
  throw new ClocheError('CGROUP_PATH_INVALID', `'${path}' is no path of a cgroup`, {
    class: 'invalid-argument',
    hint: "It begins with '/', as in '/cloche/web', and has no '.', '..' or empty name in it.",
  });
}
