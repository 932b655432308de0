import { a, done, notYet, type PlaygroundLesson } from '../../src/playground/lesson.ts';
import { described, mappedFiles, namespaceOf } from '../../src/playground/observe/index.ts';
import { bashAlone, exact, jailed, nobodyInside, startable } from './jail.ts';

/** Copies a program and what `ldd` prints for it, at the same places, into the jail. */
function copyAll(programs: string): string {
  return `for p in ${programs}; do for f in $p $(ldd $p | grep -o '/[^ ]*'); do cp --parents $f /jail; done; done`;
}

export const lesson: PlaygroundLesson = {
  id: '1_chroot',
  title: 'A jail made by hand',
  summary: 'what a program needs to start, and how one call gives a process another "/"',
  container: 'lesson_1_chroot',
  intro: `
Every process has a root directory: the place that it means when it says \`/\`. Nearly always that is
the same for all of them, so nobody thinks of it. \`chroot(2)\`, from 1979, changes it for one process
and its children. That is a third of what a container is, and you will build it from nothing.

This terminal watches, and you type in others. Open another one, the *first terminal*, and go to
\`lessons/1_chroot\` there.`,
  steps: [
    {
      id: 'playground',
      title: 'Start the playground',
      prose: `
In the first terminal type \`./run.sh\`. It builds an image and starts a container: a Debian of your own, in which you are
root and cannot hurt the machine by accident. The first time it takes a while, since the image is
made; then a prompt appears.`,
      solution: [a('./run.sh', { within: 400 })],
      check: ({ playground: { init } }) =>
        done(
          `the playground's first process is ${described(init)}`,
          `its mounts are its own: ${namespaceOf(init.pid, 'mnt')}, those out here are ${namespaceOf(process.pid, 'mnt')}`,
        ),
      hint: 'First terminal: `cd lessons/1_chroot`, then `./run.sh`.',
      explanation: `
Two processes of one kernel, each with mounts of its own. That is not all: this bash also has a host
name, a process table, a network and rights of its own. How that is done is what the lessons are about;
take it as a room to work in for now.`,
    },
    {
      id: 'empty',
      title: 'An empty directory is no place to live',
      prose: `
Make a directory and try to live in it:

  mkdir /jail
  chroot /jail bash

It fails: \`failed to run command 'bash': No such file or directory\`. Why?`,
      solution: [
        a('mkdir /jail'),
        a('chroot /jail bash', { see: /failed to run command.*No such file or directory/ }),
      ],
      check: ({ playground: { files, init } }) => {
        if (files.stat('/jail')?.isDirectory() !== true)
          return notYet('there is no directory /jail');
        return done(
          `/jail is inode ${files.id('/jail')}; the "/" of ${described(init)} is inode ${init.rootId}`,
          `/jail/bin/bash: ${files.resolve('/jail/bin/bash') ?? 'ENOENT'}`,
        );
      },
      hint: '`mkdir /jail`. The slash matters: it shall lie in the root, not where you stand.',
      explanation: `
\`chroot(2)\` itself went well. Then the program \`chroot\` wanted to start a shell, and the kernel
looked for \`bash\` in each directory of \`PATH\`, beginning at the new root, where nothing is. ENOENT, "no
such file or directory". From there, the bash that you have been using all the time does not exist.`,
    },
    {
      id: 'bash',
      title: 'bash is there, and still cannot be found',
      prose: `
So give it a bash:

  mkdir /jail/bin
  cp /bin/bash /jail/bin
  chroot /jail bash

The message has not changed by one letter. And yet: \`ls -l /jail/bin/bash\`.`,
      solution: [
        a('mkdir /jail/bin'),
        a('cp /bin/bash /jail/bin'),
        a('chroot /jail bash', { see: /failed to run command.*No such file or directory/ }),
        a('ls -l /jail/bin/bash', { see: /bash/ }),
      ],
      check: ({ playground }) => bashAlone(playground.files),
      hint: 'Copy the program itself: `mkdir -p /jail/bin; cp /bin/bash /jail/bin/bash`.',
      explanation: `
ENOENT, but bash exists: its *loader* is missing. A dynamic program is not started by the kernel at
all. Its file names an interpreter (PT_INTERP), the kernel starts that one in its place and lets it
gather the libraries. execve(2) says ENOENT for the interpreter just as for the program, and the shell
shows you the only name that it knows. Half of all "no such file" riddles in containers are this.`,
    },
    {
      id: 'libraries',
      title: 'What ldd prints',
      prose: `
\`ldd /bin/bash\` asks the loader what it would load. Copy each file that it prints to the same place
under \`/jail\`. The one without an arrow is the loader. \`linux-vdso.so.1\` is no file: the kernel
carries it in itself.

\`cp --parents /lib/some/file /jail\` makes the folders on the way.`,
      solution: [a('ldd /bin/bash', { see: /libc\.so\.6/ }), a(copyAll('/bin/bash'))],
      check: ({ playground }) => startable(playground.files, ['/bin/bash']),
      hint: 'Each path counts: `/lib64/…` is not `/lib/…`. For one: `cp --parents /lib64/ld-linux-x86-64.so.2 /jail` (on arm64 `/lib/ld-linux-aarch64.so.1`).',
      explanation: `
Now the jail holds the whole closure of bash: the program, the loader that PT_INTERP names, every
library that DT_NEEDED names, and what those need in turn. It was read from the files just now, not
from a list, so it is right for your architecture too.`,
    },
    {
      id: 'inside',
      title: 'Go in',
      prose: `
\`chroot /jail bash\` once more. You get a prompt. Look around: \`pwd\`, \`cd ..\`, \`echo /*\` (bash does that
by itself), then \`ls\`.`,
      solution: [
        a('chroot /jail bash'),
        a('cd ..; pwd', { see: /^\/$/m }),
        a('echo /*', { see: /\/bin .*\/lib/ }),
        a('ls', { see: /ls: command not found/ }),
      ],
      check: ({ playground }) => {
        const inside = jailed({ playground }, '/bin/bash');
        if (inside === undefined) return notYet(nobodyInside({ playground }));
        return done(
          `${described(inside)} runs in the jail: its "/" is inode ${inside.rootId}, which is /jail`,
          `it runs /jail/bin/bash and has mapped ${mappedFiles(inside.pid).length} files, all of the jail`,
        );
      },
      hint: 'If it fails now, the files are not where the loader looks. The line above says what is missing.',
      explanation: `
\`cd ..\` at the root stays at the root, as it does everywhere: the kernel compares where you are with
your process's root, and that is all there is to it. No mount, no namespace, no virtual machine: one
pointer in the kernel's \`struct fs_struct\` differs. And \`ls\` is a program, so it is not here.`,
    },
    {
      id: 'tools',
      title: 'ls and cat, and not one library more',
      prose: `
Leave with \`exit\` and bring \`ls\` and \`cat\` in, with exactly the libraries that they need. What is in
the jail can be used by whoever breaks into the program there, so the art is to leave things out.`,
      solution: [a('exit'), a(copyAll('/bin/ls /bin/cat'))],
      check: ({ playground }) => exact(playground.files),
      hint: '`ldd /bin/ls` prints more than `ldd /bin/bash` did. In the playground, `./jail.sh` does all of it at once; read it first: `cat jail.sh`.',
      explanation: `
\`ls\` needs libselinux and that one pcre2, to print a column that you have never looked at. Thousands
of images carry files for reasons like this. The smallest containers are made of one *static* program,
with no loader and no library at all; the end of lesson 6 comes back to that.`,
    },
    {
      id: 'cat',
      title: 'See it from outside',
      prose: `
Put something into the jail, go in, and let \`cat\` wait for input:

  echo hello > /jail/letter.txt
  chroot /jail bash
  ls -l /
  cat /letter.txt -`,
      solution: [
        a('echo hello > /jail/letter.txt'),
        a('chroot /jail bash'),
        a('ls -l /', { see: /letter\.txt/ }),
        a('cat /letter.txt -', { stays: true, see: /hello/ }),
      ],
      check: ({ playground }) => {
        const cat = jailed({ playground }, '/bin/cat');
        if (cat === undefined) return notYet('no cat from the jail is running in the jail');
        return done(
          `${described(cat)} has the root /jail, inode ${cat.rootId}`,
          `/proc/${cat.pid}/maps names ${mappedFiles(cat.pid).join(', ')}`,
        );
      },
      hint: '`cat` with `-` reads from the keyboard, so it stays. Run it from within the jail.',
      explanation: `
The kernel lists what that \`cat\` has mapped into its memory: the program, the loader and its
libraries, each from the jail. It can read nothing else of the disk, because it cannot name anything
else.

But it is still a process among all others. It is root, it sees the same network, and it could kill
any process in the playground. How bad that is, the next lesson shows: \`cloche learn 2_chroot_problems\`.`,
    },
  ],
};
