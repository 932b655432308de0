import type { CgroupEntrance } from '../../linux/cgroup/index.ts';
import {
  call,
  flags,
  jump,
  type Plan,
  plan,
  result,
  type Step,
  text,
  within,
} from '../../linux/plan/index.ts';
import type { NamespaceType, Process } from '../spec.ts';
import { letGoSteps } from './adoption.ts';
import { attendOutput, hearTerminal, outliveSteps } from './attend.ts';
import type { Io, Meeting } from './birth.ts';
import { beginSteps } from './init.ts';
import { hearListener, type Listener } from './listener.ts';
import { NAMESPACE_FLAG } from './namespaces.ts';
import { dropFds } from './preserved.ts';
import type { Machine } from './process.ts';
import { settle } from './settle.ts';
import {
  bindSteps,
  CLEAN_UP,
  cleanUpSteps,
  cloneSteps,
  INIT_FAILED,
  initFailed,
  type Pair,
  pair,
  SHIM_FAILED,
  sealSteps,
  shimFailed,
} from './shim.ts';
import { hearTheEnd, meet, report } from './talk.ts';
import { openedTerminal, openTerminal } from './terminal.ts';

/** A process that enters a running container. */
export interface Entry {
  readonly id: string;
  /** The container's init. */
  readonly pid: number;
  /** The kinds of namespaces in which init differs from us. */
  readonly namespaces: readonly NamespaceType[];
  readonly process: Process;
  readonly machine: Machine;
  readonly walkerSize: number;
  /** How it comes into the container's cgroup. */
  readonly cgroup?: CgroupEntrance | undefined;
  readonly seccomp?: readonly Step[] | undefined;
  readonly listener?: Listener | undefined;
  /** What becomes of its input and output; inherited if it is not said. */
  readonly io?: Io | undefined;
  /** Whether it is left to whoever inherits it, instead of dying with the command: see `adoption.ts`. */
  readonly adopted?: boolean | undefined;
  /** Whether its shim outlives the command, once it has heard a byte, and looks after it. */
  readonly outlives?: boolean | undefined;
  /** How many fds from 3 on the program keeps. */
  readonly preserveFds?: number | undefined;
}

/**
 * The plan of `exec`: enter the namespaces of a running container and become a program there.
 *
 * The namespaces are named by init's pidfd, all in one call, so that none of them can be another
 * process's by then. The pid namespace is only entered by children, so the shim joins it and
 * clones. Source: setns(2), pidfd_open(2).
 */
export function execPlan(entry: Entry): { plan: Plan; pair: Pair; warnings: readonly string[] } {
  const two = pair();
  const target = result('target');
  const terminal = entry.process.terminal === true ? openedTerminal() : undefined;
  const meeting = { terminal, pipes: undefined };
  const root = result('root');
  const others = entry.namespaces
    .filter((type) => type !== 'pid')
    .map((type) => NAMESPACE_FLAG[type]);
  const io = entry.io ?? { kind: 'inherit' };
  const cloned = cloneSteps(two, {
    flags: entry.adopted === true ? ['CLONE_PARENT'] : [],
    bornIn: entry.cgroup?.bornIn,
  });
  const settled = settle({ ...entry, root }, two, meeting);
  const shim = { stage: 'shim', onFail: SHIM_FAILED };
  const steps = [
    ...within(shim, [
      ...sealSteps(entry.walkerSize, `cloche-exec ${entry.id}`),
      ...bindSteps('die with the command'),
      call('setsid', [], "the terminal's Ctrl-C is not for us", { tolerate: ['EPERM'] }),
      call('pidfd_open', [entry.pid, 0], 'the container, by its first process', { save: target }),
      ...(entry.namespaces.includes('pid')
        ? [call('setns', [target, flags('CLONE_NEWPID')], 'our children are born in there')]
        : []),
      ...cloned.parent,
    ]),
    ...within({ ...shim, pause: false }, [
      ...dropFds(entry.preserveFds ?? 0),
      ...hearTerminal(two, meeting, io),
      ...hearListener(two, entry.listener, false),
      ...(entry.adopted === true ? letGoSteps(two) : []),
      ...hearTheEnd(two, 'the socket closes when it executes its program'),
      report('s', 'it is started'),
      ...(entry.outlives === true ? outliveSteps() : []),
      ...(entry.adopted === true ? [] : attendOutput(io, two, meeting)),
      jump(CLEAN_UP, 'its life is over'),
    ]),
    ...within({ stage: 'shim', pause: false }, [...shimFailed(two), ...cleanUpSteps([])]),
    ...within({ stage: 'exec', onFail: INIT_FAILED }, [
      ...beginSteps(two),
      ...cloned.child,
      ...oomSteps(entry.process.oomScoreAdj),
      ...(entry.cgroup?.join ?? []),
      ...(others.length === 0
        ? []
        : [call('setns', [target, flags(...others)], 'enter all its other namespaces at once')]),
      ...(entry.namespaces.includes('user')
        ? [
            call('setresgid', [0, 0, 0], 'be root of its user namespace'),
            call('setresuid', [0, 0, 0], 'be root of its user namespace'),
          ]
        : []),
      call(
        'openat',
        [flags('AT_FDCWD'), text('/'), flags('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC'), 0],
        'its root',
        { save: root },
      ),
      ...terminalSteps(entry.process, two, meeting, root),
      ...settled.steps,
    ]),
    ...within({ stage: 'exec' }, initFailed()),
  ];
  return { plan: plan(`exec in ${entry.id}`, steps), pair: two, warnings: settled.warnings };
}

/**
 * Through the host's /proc, as long as it is the one that we see: the container's may be anything. Lowering
 * the score below our own needs CAP_SYS_RESOURCE; where that is missing it stays.
 */
function oomSteps(score: number | undefined): Step[] {
  if (score === undefined) return [];
  const fd = result('oom');
  const line = String(score);
  const why = `when memory ends: ${line}`;
  const path = text('/proc/self/oom_score_adj');
  return [
    call('openat', [flags('AT_FDCWD'), path, flags('O_WRONLY', 'O_CLOEXEC')], why, { save: fd }),
    call('write', [fd, text(line), line.length], why, { tolerate: ['EACCES', 'EPERM'] }),
    call('close', [fd], 'it leads out of the container', { pause: false }),
  ];
}

function terminalSteps(
  process: Process,
  two: Pair,
  { terminal }: Pick<Meeting, 'terminal'>,
  root: ReturnType<typeof result>,
): Step[] {
  if (terminal === undefined) return [];
  return [
    ...openTerminal(root, terminal, process.consoleSize),
    ...meet(two, 'a terminal is open', 'the shim has its other end'),
  ];
}
