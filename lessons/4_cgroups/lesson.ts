import { a, b, done, notYet, type PlaygroundLesson } from '../../src/playground/lesson.ts';
import { described } from '../../src/playground/observe/index.ts';
import { tryDevice } from './device.ts';
import {
  cpuSeconds,
  cpuShare,
  limitedShell,
  madeGroup,
  memoryLimit,
  mountedInside,
  oomKills,
  ownGroup,
  peakMemory,
  pidsLimit,
  refusedForks,
  throttled,
} from './groups.ts';

const MB = 1024 * 1024;

export const lesson: PlaygroundLesson = {
  id: '4_cgroups',
  title: 'How much: control groups',
  summary: 'memory, CPU, processes and devices: first without a limit, then with one',
  container: 'lesson_4_cgroups',
  intro: `
Namespaces decide what a process *sees*. They do not stop it from eating all memory, every CPU and the
whole process table. That is what *control groups* are for: sets of processes that are counted together,
with a limit on the count.

Each limit comes in two steps here: first you see what happens without it, then with it. The proof is
always a counter that the kernel keeps for the group.

This terminal watches. You type in two others, the *first* and the *second terminal*, both in
\`lessons/4_cgroups\`.`,
  steps: [
    {
      id: 'playground',
      title: 'Start the playground',
      prose: 'In the first terminal type `./run.sh`, and wait for the prompt.',
      solution: [a('./run.sh', { within: 600 })],
      check: (look) => {
        const own = ownGroup(look, 'memory');
        return done(
          `the playground's first process is ${described(look.playground.init)}`,
          `it is in the memory group ${own?.folder ?? 'that nobody mounted'} (cgroup v${own?.version ?? '?'})`,
        );
      },
      hint: 'First terminal: `cd lessons/4_cgroups`, then `./run.sh`.',
      explanation: `
Every process is in a group, also where nobody ever made one. cloche made a group of its own for this
container, and in it the *cgroup namespace* shows it as \`/\`: \`cat /proc/self/cgroup\`.`,
    },
    {
      id: 'mount',
      title: 'Cgroup is not mounted',
      prose: `
\`cgcreate\` makes a group. In the playground try \`cgcreate -g memory:small\`. It says

  cgcreate: libcgroup initialization failed: Cgroup is not mounted

The kernel has no system call for groups. It has a *filesystem*: a group is a directory, a limit is a
file. And a new mount namespace holds only what somebody mounted in it. Look: \`grep cgroup
/proc/mounts\` shows nothing. (Engines mount it for their containers; this playground took it away
again, since whoever builds one by hand begins without.) So mount it; read \`mount_cgroups.sh\`, then
run it.`,
      solution: [
        a('cgcreate -g memory:small', { see: /Cgroup is not mounted/ }),
        a('./mount_cgroups.sh', { see: /mount -t cgroup/ }),
        a('grep -c cgroup /proc/mounts', { see: /[1-9]/ }),
      ],
      check: mountedInside,
      hint: '`./mount_cgroups.sh` in the playground. It prints each command that it runs.',
      explanation: `
There are two ways in which a kernel can show its groups. In *v1* each controller (memory, cpu, pids …)
is a tree of its own, mounted by itself. In *v2* there is one tree for all of them. A *hybrid* machine
mounts both, and a controller is in one or the other. The lines above say which this machine has; the
lesson's \`README.md\` has a table of the names.`,
    },
    {
      id: 'memory',
      title: 'Two hundred megabytes, please',
      prose: `
\`./load_memory.sh\` lets \`dd\` copy 200 MB at once, and so keep them in memory. Nobody minds.`,
      solution: [a('./load_memory.sh', { see: /dd ended with 0/, within: 60 })],
      check: (look) => {
        const own = ownGroup(look, 'memory');
        const [peak, kills] = [peakMemory(own), oomKills(own)];
        if (!(peak > 150 * MB))
          return notYet(`the playground never used more than ${megabytes(peak)}: ./load_memory.sh`);
        return done(
          `at its highest the playground used ${megabytes(peak)}`,
          `its limit is ${limit(memoryLimit(own))}, and oom_kill stands at ${kills}`,
        );
      },
      hint: '`./load_memory.sh`, in the playground.',
      explanation: `
The kernel writes the highest mark down (\`memory.max_usage_in_bytes\`, on v2 \`memory.peak\`), whether
there is a limit or not. On a machine with less memory this would have been everybody's trouble.`,
    },
    {
      id: 'memory_limited',
      title: 'Eighty, and not one more',
      prose: `
\`./limit_memory.sh\` makes a group *small* with \`cgcreate\` and gives it 80 MB with \`cgset\`. Then run the
same program in it:

  cgexec -g memory:small ./load_memory.sh`,
      solution: [
        a('./limit_memory.sh', { see: /cgcreate -g memory:small/ }),
        a('cgexec -g memory:small ./load_memory.sh', { see: /dd ended with 137/, within: 60 }),
      ],
      check: (look) => {
        const small = madeGroup(look, 'memory', 'small');
        if (small === undefined) return notYet('there is no group "small": ./limit_memory.sh');
        const most = memoryLimit(small);
        if (most > 100 * MB) return notYet(`the limit of "small" is ${limit(most)}`);
        const kills = oomKills(small);
        if (kills === 0)
          return notYet(
            'nobody was killed in "small" yet: cgexec -g memory:small ./load_memory.sh',
          );
        return done(
          `"small" may use ${megabytes(most)} and used ${megabytes(peakMemory(small))} at its highest`,
          `oom_kill of "small" stands at ${kills}`,
        );
      },
      hint: 'A process must be *in* the group: `cgexec -g memory:small` starts it there.',
      explanation: `
The kernel's out-of-memory killer, but only within the group. 137 is 128 + 9: ended by SIGKILL. When a
container of yours "just dies" with 137, look at this counter first.

Swap counts too: without a limit for it the program would only have become slow. v1 limits the sum of
both (\`memsw\`), v2 each by itself.`,
    },
    {
      id: 'cpu',
      title: 'Three seconds of CPU',
      prose: '`./load_cpu.sh` turns in a circle for three seconds. How much CPU does it get?',
      solution: [a('./load_cpu.sh', { see: /three seconds of the clock/, within: 30 })],
      check: (look) => {
        const used = cpuSeconds(look);
        const start = Number(look.memory.get('cpu at start') ?? used);
        look.memory.set('cpu at start', start);
        // Others may want the CPU too; the limit that comes next leaves 0.15 s. timeout is load_cpu.sh at work.
        if (used - start < 0.5 || look.playground.named('timeout').length > 0)
          return notYet(
            `the playground used ${(used - start).toFixed(1)} s of CPU since you began`,
          );
        return done(
          `the playground used ${(used - start).toFixed(1)} s of CPU in this step`,
          `it was throttled ${throttled(ownGroup(look, 'cpu')).times} times`,
        );
      },
      hint: '`./load_cpu.sh`, in the playground.',
      explanation:
        'A whole CPU, as long as nobody else wants one. The scheduler is fair, not stingy.',
    },
    {
      id: 'cpu_limited',
      title: 'Five percent',
      prose: `
\`./limit_cpu.sh\` makes a group *slow*: 5 ms in every 100 ms. Then

  cgexec -g cpu:slow ./load_cpu.sh`,
      solution: [
        a('./limit_cpu.sh', { see: /cgcreate -g cpu:slow/ }),
        a('cgexec -g cpu:slow ./load_cpu.sh', { see: /0\.[0-3]\d* \+/, within: 30 }),
      ],
      check: (look) => {
        const slow = madeGroup(look, 'cpu', 'slow');
        if (slow === undefined) return notYet('there is no group "slow": ./limit_cpu.sh');
        const share = cpuShare(slow);
        if (share > 0.1) return notYet(`"slow" may have ${share} CPUs`);
        const { times, seconds } = throttled(slow);
        if (times < 5) return notYet('"slow" was hardly ever throttled: run something in it');
        return done(
          `"slow" may have ${share * 100} % of a CPU`,
          `it was stopped ${times} times and stood still for ${seconds.toFixed(1)} s`,
        );
      },
      hint: '`cgexec -g cpu:slow ./load_cpu.sh`. The group alone limits nobody: be in it.',
      explanation: `
A *quota*: when the 5 ms are used up, everybody in the group waits for the next period. That is why a
service with a low CPU limit answers fast mostly, and then with sudden pauses: look at \`nr_throttled\`.`,
    },
    {
      id: 'pids',
      title: 'Before the bomb: a limit on yourself',
      prose: `
Next comes a fork bomb. It makes processes until there are no numbers left, on the whole machine: so
first put a limit on the very shell that you will type it into. This time by hand, without any tool, in
the second terminal: \`./attach.sh\`, and there \`./limit_pids.sh\`, which writes two files.

  echo 20 > …/pids.max
  echo PID > …/cgroup.procs`,
      solution: [b('./attach.sh', { within: 30 }), b('./limit_pids.sh', { see: /pids\.max/ })],
      check: (look) => {
        const shell = limitedShell(look);
        if (shell === undefined) return notYet('no bash of the playground has a pids.max');
        const most = pidsLimit(shell);
        return done(`${described(shell)} and its children may be ${most} processes together`);
      },
      hint: 'In the second terminal, in the playground: `./limit_pids.sh`. It moves the shell that called it.',
      explanation: `
A process joins by its number being written into \`cgroup.procs\`, and its children are born in the same
group. There is no way out for whoever may not write that file.`,
    },
    {
      id: 'fork_bomb',
      title: 'The bomb',
      prose: `
In that same second terminal: \`./fork_bomb.sh\`. It runs \`bomb() { bomb | bomb & }\` and clears it away
after two seconds. (In a shell without a limit it refuses to run.)`,
      solution: [
        b('./fork_bomb.sh', { see: /retry: Resource temporarily unavailable/, within: 40 }),
      ],
      check: (look) => {
        const shell = limitedShell(look);
        if (shell === undefined) return notYet('the shell with the limit is gone');
        const few = madeGroup(look, 'pids', 'few');
        const refused = refusedForks(few);
        if (refused === 0) return notYet('no fork was refused yet: ./fork_bomb.sh');
        return done(
          `the kernel refused ${refused} forks in "few", whose pids.max is ${pidsLimit(shell)}`,
          `${described(shell)} has survived it`,
        );
      },
      hint: 'The second terminal, where you typed `./limit_pids.sh`.',
      explanation: `
fork(2) fails with EAGAIN, which bash calls "Resource temporarily unavailable" and tries again. The other
terminal did not notice. The flag \`--pids-limit\` of docker and of cloche writes this one file.`,
    },
    {
      id: 'devices',
      title: 'Which devices',
      prose: `
The last controller limits not how much but what: which devices may be opened. In the first terminal:

  head -c 8 /dev/urandom | od -x
  ./limit_devices.sh
  ./in_group.sh devices blind head -c 8 /dev/urandom`,
      solution: [
        a('head -c 8 /dev/urandom | od -x', { see: /^0000000/m }),
        a('./limit_devices.sh', { see: /mkdir/ }),
        a('./in_group.sh devices blind head -c 8 /dev/urandom | od -x'),
      ],
      check: (look) => {
        const blind = madeGroup(look, 'devices', 'blind') ?? madeGroup(look, 'memory', 'blind');
        if (blind === undefined) return notYet('there is no group "blind": ./limit_devices.sh');
        if (blind.version === 2)
          return done(
            'cgroup v2 has no files for devices: what an engine wants there it says in a BPF program',
            'so the group is there, and there is nothing to write into it',
          );
        const [inside, outside] = [tryDevice(blind), tryDevice(ownGroup(look, 'devices'))];
        if (inside === '') return notYet('whoever is in "blind" can still open /dev/urandom');
        return done(
          `opening /dev/urandom in "blind": ${inside}`,
          `opening it in the playground's own group: ${outside || 'possible'}`,
        );
      },
      hint: '`./limit_devices.sh` writes `c 1:9 rwm` into `devices.deny`.',
      explanation: `
EPERM, although the file is there and its mode is 0666: this wall stands behind the permissions. It is why
a container that is root and may make device nodes cannot read your disk.

That is all that a container is: another root, namespaces, control groups, and fewer rights. You have
made each of them with your own hands. \`cloche run --explain debian:bookworm bash\` shows all of them
in a row, call by call.`,
    },
  ],
};

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}

function limit(bytes: number): string {
  return bytes === Infinity ? 'none' : megabytes(bytes);
}
