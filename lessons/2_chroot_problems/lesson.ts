import {
  a,
  b,
  done,
  type Look,
  notYet,
  type PlaygroundLesson,
} from '../../src/playground/lesson.ts';
import { described, namespaceOf } from '../../src/playground/observe/index.ts';
import { differing, livesIn, loot, SECRET, sameTail, secretIsOpen, shellIn } from '../two_roots.ts';

/** How the auto-player finds tail's pid without ps, as read_secret.sh does. */
const FIND_TAIL = "p=$(grep -lx tail /proc/[0-9]*/comm | head -n 1 | tr -dc '0-9')";

export const lesson: PlaygroundLesson = {
  id: '2_chroot_problems',
  title: 'Why a jail is not enough',
  summary: 'chroot hides files, not processes: a secret leaks through /proc',
  container: 'lesson_2_chroot_problems',
  intro: `
Two tenants, each in a root of their own: \`/root_a\` and \`/root_b\`, whole Debian systems made by
\`debootstrap\`. Neither can name a file of the other. You will sit in root_b and read a secret of
root_a all the same, without any trick: the kernel hands it to you.

This terminal watches. You type in two others, the *first* and the *second terminal*, both in
\`lessons/2_chroot_problems\`.`,
  steps: [
    {
      id: 'playground',
      title: 'Start the playground',
      prose: 'In the first terminal type `./run.sh`, and wait for the prompt.',
      solution: [a('./run.sh', { within: 600 })],
      check: ({ playground: { init } }) =>
        done(`the playground's first process is ${described(init)}`),
      hint: 'First terminal: `cd lessons/2_chroot_problems`, then `./run.sh`.',
      explanation: 'In this Debian, `debootstrap` is installed: it makes a Debian in a directory.',
    },
    {
      id: 'root_a',
      title: 'The first tenant',
      prose: `
In the playground type \`./chroot_a.sh\`. It fetches some ninety packages, unpacks them into
\`/root_a\`, and starts bash there. The first time takes half a minute; then the result is kept.
The prompt says \`(root_a)\`.`,
      solution: [a('./chroot_a.sh', { within: 400, see: /root_a/ })],
      check: (look) => livesIn(look, '/root_a'),
      hint: 'You must be in the playground: the prompt is `root@chroot-problems:/playground#`.',
      explanation: `
In lesson 1 you copied eight files by hand. debootstrap does the same thing thoroughly: it takes the
distribution's own list of what is essential, fetches it, and unpacks it. Base images of containers
are made in just this way; so was the one that you are sitting in.`,
    },
    {
      id: 'tail',
      title: 'A secret is open',
      prose: `
In root_a type \`./tail.sh\`. It runs \`tail -f /secret.txt\`, shows the secret and stays. That is how
any server holds its files, sockets and database connections open.`,
      solution: [a('./tail.sh', { stays: true, see: /the secret of root_a is/ })],
      check: secretIsOpen,
      hint: 'In root_a, not in the playground: `./tail.sh` lies in its `/`.',
      explanation: `
Descriptors 0, 1 and 2 are input, output and errors; the first file that a program opens itself
becomes 3. The kernel shows each process's open files as links under \`/proc/PID/fd/\`.`,
    },
    {
      id: 'root_b',
      title: 'The second tenant',
      prose: `
In the second terminal type \`./attach.sh\`, which brings you into the same playground, and there
\`./chroot_b.sh\`. Now look for the secret: \`ls /\` in root_b. There is none.`,
      solution: [
        b('./attach.sh', { within: 30 }),
        b('./chroot_b.sh', { within: 400, see: /root_b/ }),
        b('cat /secret.txt', { see: /No such file or directory/ }),
      ],
      check: (look) => {
        const verdict = livesIn(look, '/root_b');
        const [one, other] = [shellIn(look, '/root_a'), shellIn(look, '/root_b')];
        if (!verdict.ok || one === undefined || other === undefined)
          return verdict.ok ? notYet('nobody is left in /root_a') : verdict;
        return done(
          ...verdict.evidence,
          `namespaces in which the two differ: ${differing(one, other).join(', ') || 'none'}; both are in ${namespaceOf(one.pid, 'pid')}`,
        );
      },
      hint: '`./attach.sh` is a script of the host, `./chroot_b.sh` one of the playground.',
      explanation: `
Different roots, but the line above is the trouble: every namespace is the same. \`/proc\` in root_b
shows all processes of the playground, since it shows those of a *pid namespace* and not of a root.`,
    },
    {
      id: 'leak',
      title: 'Read what you cannot name',
      prose: `
In root_b type \`./read_secret.sh\`. It walks through \`/proc\`, finds a process called \`tail\`, and
reads \`/proc/PID/fd/3\`. Read the script first: \`cat read_secret.sh\`.`,
      solution: [b('./read_secret.sh', { see: /the secret of root_a is [0-9a-f]{16}/ })],
      check: (look) => {
        const found = loot(look);
        if (found !== 'secret') return notYet(leakless[found]);
        const secret = look.playground.files.id(SECRET);
        const copy = look.playground.files.id('/root_b/stolen.txt');
        return done(
          `root_b's /stolen.txt (inode ${copy}) holds, byte for byte, root_a's /secret.txt (inode ${secret})`,
          `"${look.playground.files.text(SECRET)?.trim()}"`,
        );
      },
      hint: 'tail must still be running in the first terminal.',
      explanation: `
It leaked. \`/proc/PID/fd/3\` looks like a symbolic link, and \`readlink\` even gives a path that does
not exist in root_b. But following it resolves no path: the kernel goes straight to the open file
("magic link", proc(5)). chroot takes names away, and this needs no name.`,
    },
    {
      id: 'diary',
      title: 'Not only what is open',
      prose: `
It gets worse. \`/proc/PID/root\` is the *root directory* of the process, as a link of the same kind.
There is a diary in root_a that nobody has opened. With tail's pid for PID:

  ls /proc/PID/root/
  cat /proc/PID/root/root/diary.txt | tee /diary.txt`,
      solution: [
        b(FIND_TAIL),
        b('ls /proc/$p/root/', { see: /secret\.txt/ }),
        b('cat /proc/$p/root/root/diary.txt | tee /diary.txt', { see: /diary, page \d+/ }),
      ],
      check: ({ playground: { files } }) => {
        const diary = files.text('/root_a/root/diary.txt');
        const copy = files.text('/root_b/diary.txt');
        if (copy === undefined) return notYet('there is no /diary.txt in root_b');
        if (copy !== diary)
          return notYet('/diary.txt in root_b is not what the diary in root_a says');
        return done(`root_b holds the page: "${copy.trim()}"`);
      },
      hint: '`read_secret.sh` printed the pid. `tee /diary.txt` keeps a copy in root_b.',
      explanation: `
All of root_a lies open, to read and to write. One process that you may look at is enough. (You may
because both shells are root: ptrace(2) says who may look at whom.)`,
    },
    {
      id: 'kill',
      title: 'And it can be ended',
      prose: 'In root_b type `kill PID`, with the pid of tail, and watch the first terminal.',
      solution: [b('kill $p'), a('echo still here', { see: /still here/ })],
      check: (look) => {
        if (look.memory.get('tail') === undefined) return notYet('no tail was seen yet');
        const tail = sameTail(look);
        if (tail !== undefined) return notYet(`${described(tail)} is still running`);
        if (shellIn(look, '/root_a') === undefined)
          return notYet('tail has ended, but so has the bash of root_a: start again');
        return done(
          `the process ${look.memory.get('tail')} is gone, and ${tellShell(look)} is still there`,
        );
      },
      hint: '`kill` and the number that `read_secret.sh` found.',
      explanation: `
"Terminated", in a root that the killer has never entered. The two share the process table, the
network, the host name, the mounts, shared memory, and the memory and CPU of the machine.

Each of these has its wall in Linux: namespaces for what one sees, cgroups for what one uses. Go on
with \`cloche learn 3_namespaces\`.`,
    },
  ],
};

const leakless = {
  none: 'there is no /stolen.txt in root_b: ./read_secret.sh makes it',
  empty: '/stolen.txt in root_b is empty: nothing was read. Is tail running in root_a?',
  other: '/stolen.txt in root_b is not what /secret.txt in root_a says',
} as const;

function tellShell(look: Look): string {
  const shell = shellIn(look, '/root_a');
  return shell === undefined ? 'nobody' : described(shell);
}
