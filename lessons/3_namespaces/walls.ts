import { done, type Look, notYet, type Verdict } from '../../src/playground/lesson.ts';
import {
  described,
  type NamespaceName,
  type ProcessView,
  probe,
} from '../../src/playground/observe/index.ts';
import { compared, differing, loot, sameTail, shellIn } from '../two_roots.ts';

/** What lesson 3 looks at: who is behind which walls, and what those let through. */

/** The walls that chroot_a.sh and chroot_b.sh put up unless told others. */
export const ALL: readonly NamespaceName[] = ['mnt', 'uts', 'ipc', 'net', 'pid'];

/** The thief's bash is in exactly these new namespaces, and then whatever `verdict` says. */
export function behind(look: Look, kinds: readonly NamespaceName[], verdict: Verdict): Verdict {
  const shell = shellIn(look, '/root_b');
  if (shell === undefined) return notYet('no bash has /root_b as its root');
  return walled(look, shell, kinds, verdict);
}

export function walled(
  look: Look,
  shell: ProcessView,
  kinds: readonly NamespaceName[],
  verdict: Verdict,
): Verdict {
  const { init } = look.playground;
  const differ = differing(shell, init);
  const wrong = [
    ...kinds.filter((kind) => !differ.includes(kind)).map((kind) => `shares the ${kind} namespace`),
    ...differ
      .filter((kind) => !kinds.includes(kind))
      .map((kind) => `has its own ${kind} namespace`),
  ];
  if (wrong.length > 0)
    return notYet(
      `${walls(differ.length)}; wanted: ${kinds.join(', ')}; \`exit\` first`,
      `${described(shell)} ${wrong.join(' and ')}`,
    );
  if (!verdict.ok) return verdict;
  return done(...verdict.evidence, ...kinds.map((kind) => compared(shell, init, kind)));
}

function walls(count: number): string {
  return count === 0 ? 'no wall' : count === 1 ? '1 wall' : `${count} walls`;
}

/** The secret was carried off to root_b. */
export function leaked(look: Look): Verdict {
  return loot(look) === 'secret'
    ? done('root_b holds the secret: this wall did not stop it')
    : notYet('root_b does not hold the secret: ./read_secret.sh, while tail runs in root_a');
}

/** It was tried and brought nothing; what the kernel says to the thief's bash, asked again now. */
export function stopped(look: Look, how: 'hidden' | 'forbidden'): Verdict {
  const tail = sameTail(look);
  const thief = shellIn(look, '/root_b');
  if (tail === undefined) return notYet('the tail that held the secret open is gone');
  if (thief === undefined) return notYet('no bash has /root_b as its root');
  if (loot(look) !== 'empty')
    return notYet(
      loot(look) === 'none' ? 'not tried yet: ./read_secret.sh' : 'root_b holds the secret',
    );
  const pid = pidInPlayground(look, tail);
  const read = probe(thief, `cat /proc/${pid}/fd/3`);
  const kill = probe(thief, `kill -0 ${pid}`);
  const facts = [
    `reading /proc/${pid}/fd/3 from there: ${read.error || 'possible'}`,
    `kill(${pid}, 0) from there: ${kill.error || 'possible'}`,
  ];
  const holds =
    how === 'hidden'
      ? read.error === 'No such file or directory' && kill.error === 'No such process'
      : read.error === 'Permission denied' && kill.error === '';
  return holds ? done(`${described(tail)} still holds it open`, ...facts) : notYet(...facts);
}

/** The pid that a process has in the playground's own pid namespace. */
function pidInPlayground({ playground }: Look, one: ProcessView): number {
  return one.pids[playground.init.pids.length - 1] ?? one.pid;
}
