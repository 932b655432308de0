import { done, type Look, notYet, type Verdict } from '../src/playground/lesson.ts';
import {
  described,
  NAMESPACES,
  type NamespaceName,
  namespaceOf,
  openFiles,
  type ProcessView,
  readProcess,
} from '../src/playground/observe/index.ts';

/** What lessons 2 and 3 look at: a bash in each of two roots, and the tail that holds a secret open. */

export const SECRET = '/root_a/secret.txt';
const STOLEN = '/root_b/stolen.txt';

/** The bash whose `/` is the directory; of several (a shell within the shell) the first. */
export function shellIn(look: Look, root: string): ProcessView | undefined {
  return look.playground
    .inChroot(root)
    .filter((one) => one.comm === 'bash')
    .sort((one, other) => one.startTime - other.startTime)[0];
}

/** A root that was made, and a bash in it. */
export function livesIn(look: Look, root: string): Verdict {
  const { files, init } = look.playground;
  const packages = files.text(`${root}/var/lib/dpkg/status`)?.match(/^Package: /gm)?.length ?? 0;
  if (packages === 0) return notYet(`${root} holds no Debian yet`);
  const shell = shellIn(look, root);
  if (shell === undefined) return notYet(`no bash has ${root} as its root`);
  return done(
    `${root} is a Debian ${files.text(`${root}/etc/debian_version`)?.trim()} of ${packages} packages`,
    `${described(shell)} lives in it: its "/" is inode ${shell.rootId}, the playground's is ${init.rootId}`,
  );
}

/** The tail in root_a that has the secret open, and as which descriptor; remembered for later steps. */
export function secretIsOpen(look: Look): Verdict {
  const { playground, memory } = look;
  const secret = playground.files.id(SECRET);
  for (const one of playground.inChroot('/root_a')) {
    const open = openFiles(one.pid).find(({ id }) => id !== undefined && id === secret);
    if (one.comm !== 'tail' || open === undefined) continue;
    memory.set('tail', one.pid);
    memory.set('tail started', one.startTime);
    return done(
      `${described(one)} runs in root_a`,
      `its file descriptor ${open.fd} is ${open.path}, inode ${open.id}`,
    );
  }
  return notYet('no tail in root_a has /secret.txt open');
}

/** The tail that `secretIsOpen` saw, if that very process still lives. */
export function sameTail({ memory }: Look): ProcessView | undefined {
  const one = readProcess(Number(memory.get('tail')));
  return one?.startTime === memory.get('tail started') ? one : undefined;
}

/** What of the loot is in root_b: nothing yet, an attempt that brought nothing, or the secret. */
export function loot({ playground }: Look): 'none' | 'empty' | 'other' | 'secret' {
  const stolen = playground.files.text(STOLEN);
  if (stolen === undefined) return 'none';
  if (stolen === '') return 'empty';
  return stolen === playground.files.text(SECRET) ? 'secret' : 'other';
}

/** The kinds of namespace in which two processes differ. */
export function differing(one: ProcessView, other: ProcessView): NamespaceName[] {
  return NAMESPACES.filter((name) => namespaceOf(one.pid, name) !== namespaceOf(other.pid, name));
}

/** `pid:[4026532281] (the playground's is …)`. */
export function compared(one: ProcessView, other: ProcessView, name: NamespaceName): string {
  return `${namespaceOf(one.pid, name)}, the playground's is ${namespaceOf(other.pid, name)}`;
}
