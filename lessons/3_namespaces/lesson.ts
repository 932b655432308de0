import { a, b, done, type PlaygroundLesson } from '../../src/playground/lesson.ts';
import { described } from '../../src/playground/observe/index.ts';
import { livesIn, secretIsOpen, shellIn } from '../two_roots.ts';
import { ALL, behind, leaked, stopped, walled } from './walls.ts';

export const lesson: PlaygroundLesson = {
  id: '3_namespaces',
  title: 'Walls: namespaces',
  summary: 'unshare gives a process its own view of the system; which wall stops what',
  container: 'lesson_3_namespaces',
  intro: `
The same two tenants and the same thief as in lesson 2, but now \`chroot\` is called through
\`unshare\`: each tenant gets new *namespaces*, their own table of mounts, processes, network devices,
host name and shared memory. The theft fails.

Then comes the part that tutorials leave out: you take the walls away and put them up again one at a
time, and see which one it was.

This terminal watches. You type in two others, the *first* and the *second terminal*, both in
\`lessons/3_namespaces\`.`,
  steps: [
    {
      id: 'playground',
      title: 'Start the playground',
      prose: 'In the first terminal type `./run.sh`, and wait for the prompt.',
      solution: [a('./run.sh', { within: 600 })],
      check: ({ playground: { init } }) =>
        done(`the playground's first process is ${described(init)}`),
      hint: 'First terminal: `cd lessons/3_namespaces`, then `./run.sh`.',
      explanation: 'This is an image and a container of its own; nothing of lesson 2 is in it.',
    },
    {
      id: 'root_a',
      title: 'A tenant behind walls',
      prose: `
In the playground type \`./chroot_a.sh\`. It prints the command that it ends in: \`unshare\` with five namespaces, then
\`chroot\`. In root_a try \`echo $$\`: your bash is process 1.`,
      solution: [
        a('./chroot_a.sh', { within: 400, see: /unshare --mount --uts --ipc --net --pid/ }),
        a('echo $$', { see: /^1$/m }),
      ],
      check: (look) => {
        const verdict = livesIn(look, '/root_a');
        const shell = shellIn(look, '/root_a');
        return verdict.ok && shell !== undefined ? walled(look, shell, ALL, verdict) : verdict;
      },
      hint: 'In the playground: `./chroot_a.sh`, without anything behind it.',
      explanation: `
\`unshare(2)\` gives the calling process new namespaces. \`--fork\`, because a new pid namespace begins
with the next child: that child is its process 1. \`--mount-proc\`, because \`/proc\` belongs to the pid
namespace of whoever mounted it, so a new one must be mounted to see the new numbers.`,
    },
    {
      id: 'tail',
      title: 'A secret is open',
      prose: 'In root_a type `./tail.sh`, as in lesson 2. It shows the secret and stays.',
      solution: [a('./tail.sh', { stays: true, see: /the secret of root_a is/ })],
      check: secretIsOpen,
      hint: 'In root_a, not in the playground: `./tail.sh` lies in its `/`.',
      explanation: `
The process has two pids now: a small one in its own namespace, and one for everybody further out.
The host sees it in any case: walls are opaque from inside only.`,
    },
    {
      id: 'root_b',
      title: 'The thief, behind walls too',
      prose: 'In the second terminal type `./attach.sh`, then `./chroot_b.sh`.',
      solution: [
        b('./attach.sh', { within: 30 }),
        b('./chroot_b.sh', { within: 400, see: /root_b/ }),
      ],
      check: (look) => behind(look, ALL, livesIn(look, '/root_b')),
      hint: '`./attach.sh` is a script of the host, `./chroot_b.sh` one of the playground.',
      explanation:
        'Five inode numbers in `/proc/PID/ns`, all different from those of the playground.',
    },
    {
      id: 'fails',
      title: 'Profit',
      prose: `
In root_b type \`./read_secret.sh\`. There is no \`tail\` to be found. The script then tries the pid that
the process has outside, as if somebody had told it on the telephone.`,
      solution: [
        b('./read_secret.sh', {
          see: /there is no process called tail here[\s\S]*No such file or directory[\s\S]*No such process/,
        }),
      ],
      check: (look) => behind(look, ALL, stopped(look, 'hidden')),
      hint: 'tail must be running in the first terminal: otherwise failing is no art.',
      explanation: `
Two errnos to remember. ENOENT: \`/proc\` has no such entry, since it shows this pid namespace only.
ESRCH from kill(2): in this namespace that number names nobody. It is not that you *may* not; there is
nothing to be permitted. But there are five walls. Which one was it?`,
    },
    {
      id: 'mount',
      title: 'One wall: mount',
      prose: `
In the second terminal, leave with \`exit\` and come back with one namespace only:

  ./chroot_b.sh mount
  ./read_secret.sh`,
      solution: [
        b('exit'),
        b('./chroot_b.sh mount', { see: /unshare --mount chroot/ }),
        b('./read_secret.sh', { see: /the secret of root_a is/ }),
      ],
      check: (look) => behind(look, ['mnt'], leaked(look)),
      hint: 'The `exit` must leave root_b: the prompt is that of the playground again.',
      explanation: `
It leaks. A mount namespace is a private table of mounts: what is mounted or unmounted here, nobody
else sees. It does not forbid looking at processes, and through them at *their* mounts.`,
    },
    {
      id: 'others',
      title: 'Three walls: uts, ipc, net',
      prose:
        'The same with three: `exit`, then `./chroot_b.sh uts ipc net`, then `./read_secret.sh`. Take a guess before you press Enter.',
      solution: [
        b('exit'),
        b('./chroot_b.sh uts ipc net', { see: /unshare --uts --ipc --net chroot/ }),
        b('./read_secret.sh', { see: /the secret of root_a is/ }),
      ],
      check: (look) => behind(look, ['uts', 'ipc', 'net'], leaked(look)),
      hint: '`exit` first, then `./chroot_b.sh uts ipc net`, then `./read_secret.sh`.',
      explanation: `
It leaks. A host name of its own (uts), shared memory and message queues of its own (ipc), a network with
nothing in it but a loopback that is down (net): each hides one thing, and none of them is the process
table.`,
    },
    {
      id: 'pid',
      title: 'The wall: pid',
      prose:
        '`exit` again. Now `./chroot_b.sh pid`, which brings a `/proc` of its own, and `./read_secret.sh`.',
      solution: [
        b('exit'),
        b('./chroot_b.sh pid', { see: /unshare --pid --fork/ }),
        b('./read_secret.sh', { see: /No such file or directory[\s\S]*No such process/ }),
      ],
      check: (look) => behind(look, ['mnt', 'pid'], stopped(look, 'hidden')),
      hint: '`unshare --mount-proc` brings a mount namespace with it, so two numbers differ here.',
      explanation: `
That is the one. What cannot be numbered cannot be looked at, killed or traced.

A finer point: without the new \`/proc\` the read would go through even now, though kill already says
ESRCH. Try it: \`unshare --pid --fork chroot /root_b bash\`. What \`/proc\` shows is decided by who
mounted it, what kill(2) reaches by who calls it.`,
    },
    {
      id: 'user',
      title: 'Another kind of wall: user',
      prose: `
One kind is left: \`exit\`, then \`./chroot_b.sh user\` and \`./read_secret.sh\`. You are root inside, but with
no right to anything outside.`,
      solution: [
        b('exit'),
        b('./chroot_b.sh user', { see: /unshare --user --map-root-user chroot/ }),
        b('./read_secret.sh', {
          see: /tail is process[\s\S]*Permission denied[\s\S]*I could kill/,
        }),
      ],
      check: (look) => behind(look, ['user'], stopped(look, 'forbidden')),
      hint: 'If `unshare` says "Operation not permitted", `cloche doctor` knows why.',
      explanation: `
You see tail, for the pid namespace is shared again. But to follow its links you need the right to
trace it, in *its* user namespace, where you have no capability any more: EACCES. That is a "may not"
instead of a "there is none".

And kill still works: kill(2) asks only whether the user ids are the same, and your root is mapped to
the very root that tail runs as. One wall, one door. Containers use all of them together.

They still share the memory and the CPU: \`cloche learn 4_cgroups\`.`,
    },
  ],
};
