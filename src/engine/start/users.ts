import { closeSync, readFileSync } from 'node:fs';
import { ClocheError } from '../../error.ts';
import { AT_REST, type Look } from '../../image/layer/scan.ts';

/** Who a process is, as numbers, and where it is at home. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/**
 * What `user[:group]` means in an image, by its `/etc/passwd` and `/etc/group`. Numbers need not be
 * listed there; a user's groups and home come from there where they are.
 *
 * @param layers directories of the root, the uppermost first.
 * @param more groups that the user is in beside them.
 * @param look `LIVE` where the container runs.
 * @throws {ClocheError} `USER_NOT_FOUND`, `GROUP_NOT_FOUND`
 */
export function identityOf(
  layers: readonly string[],
  user: string | undefined,
  more: readonly string[] = [],
  look = AT_REST,
): Identity {
  const [name = '', group] = (user === undefined || user === '' ? '0' : user).split(':');
  const passwd = table(layers, 'passwd', look);
  const groups = table(layers, 'group', look);
  const entry = passwd.find((row) => row[0] === name) ?? passwd.find((row) => row[2] === name);
  const uid = numberOf(entry?.[2]) ?? numberOf(name);
  if (uid === undefined)
    throw new ClocheError(
      'USER_NOT_FOUND',
      `unable to find user ${name}: no matching entries in passwd file`,
      {
        class: 'invalid-argument',
        hint: "a name must stand in the image's /etc/passwd; a number need not",
      },
    );
  const home = entry?.[5] ?? '/';
  const added = more.map((name) => groupOf(groups, name));
  if (group !== undefined) return { uid, gid: groupOf(groups, group), additionalGids: added, home };
  const login = entry?.[0];
  const additionalGids = groups
    .filter((row) => login !== undefined && (row[3] ?? '').split(',').includes(login))
    .flatMap((row) => numberOf(row[2]) ?? []);
  return {
    uid,
    gid: numberOf(entry?.[3]) ?? 0,
    additionalGids: [...additionalGids, ...added],
    home: home === '' ? '/' : home,
  };
}

function groupOf(groups: readonly string[][], name: string): number {
  const entry = groups.find((row) => row[0] === name);
  const gid = numberOf(entry?.[2]) ?? numberOf(name);
  if (gid !== undefined) return gid;
  throw new ClocheError(
    'GROUP_NOT_FOUND',
    `unable to find group ${name}: no matching entries in group file`,
    {
      class: 'invalid-argument',
      hint: "a name must stand in the image's /etc/group; a number need not",
    },
  );
}

/**
 * The lines of a file of the image's `/etc`, split at colons. It is looked for in each layer by itself and
 * a link is not followed, so that a hostile image cannot make us read a file of the host.
 */
function table(layers: readonly string[], name: string, look: Look): string[][] {
  for (const layer of layers) {
    const directory = look.entry(layer, 'etc');
    if (directory !== undefined && directory.kind !== 'directory') return [];
    const file = look.entry(layer, `etc/${name}`);
    if (file === undefined) continue;
    if (file.kind !== 'file') return [];
    return contentOf(look.open(layer, file.path))
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  }
  return [];
}

function contentOf(fd: number): string {
  try {
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}
