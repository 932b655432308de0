import type { FlagName } from '../../linux/abi/flags.ts';
import { CONTROL_FD } from '../../linux/launch.ts';
import {
  buffer,
  call,
  flags,
  jump,
  type Plan,
  plan,
  pointer,
  result,
  type Step,
  within,
} from '../../linux/plan/index.ts';
import { letGoSteps } from './adoption.ts';
import { attendOutput, borrow, hearTerminal, outliveSteps } from './attend.ts';
import { type Birth, type Meeting, needsHelp } from './birth.ts';
import { exitRecordSteps } from './exit-record.ts';
import type { InnerHooks, PlannedHook } from './hooks.ts';
import { beginSteps, initSteps } from './init.ts';
import { hearListener, type Listener } from './listener.ts';
import {
  beforeClone,
  cloneFlags,
  hasLeft,
  mappingSteps,
  type Namespaces,
  namespacesOf,
} from './namespaces.ts';
import { dropFds } from './preserved.ts';
import { scoreSteps } from './process.ts';
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
import { hear, hearTheEnd, report, say } from './talk.ts';
import { openedTerminal } from './terminal.ts';

export interface ContainerPlan {
  readonly plan: Plan;
  readonly pair: Pair;
  /** What the config asks for and this machine cannot give. */
  readonly warnings: readonly string[];
  /** Whom its filter asks. */
  readonly listener: Listener | undefined;
  /** The hooks that init runs. */
  readonly hooks: {
    readonly inner: InnerHooks | undefined;
    readonly planned: readonly PlannedHook[];
  };
}

/**
 * The plan of a container: first the shim's steps, then init's. Pure.
 *
 * @throws {ClocheError} `SPEC_INVALID`, `SCHEDULER_INVALID`, `RLIMIT_INVALID`.
 */
export function containerPlan(birth: Birth): ContainerPlan {
  const { spec } = birth;
  const namespaces = namespacesOf(spec.linux);
  const two = pair();
  const meeting: Meeting = {
    proc: result('init:/proc/self'),
    netns: result('init:net'),
    terminal: spec.process?.terminal === true ? openedTerminal() : undefined,
    pipes:
      birth.io.kind === 'log' && spec.process?.terminal !== true
        ? { out: buffer('stdout', 8), err: buffer('stderr', 8) }
        : undefined,
  };
  const adopted: FlagName[] = birth.startFifo === undefined ? [] : ['CLONE_PARENT'];
  const about = {
    flags: [...cloneFlags(namespaces), ...adopted],
    bornIn: birth.cgroup?.bornIn,
  };
  const cloned = cloneSteps(two, about);
  const init = initSteps(birth, namespaces, two, meeting);
  const shim = { stage: 'shim', onFail: SHIM_FAILED };
  const quiet = { ...shim, pause: false };
  return {
    pair: two,
    listener: birth.listener,
    hooks: { inner: birth.innerHooks, planned: init.hooks },
    warnings: [...(birth.warnings ?? []), ...init.warnings],
    plan: plan(`container ${birth.id}`, [
      ...within(shim, [
        ...sealSteps(birth.walkerSize, `cloche-shim ${birth.id}`),
        ...bindSteps(
          'as long as nobody has written down that we exist, we die with who started us',
        ),
        call('setsid', [], "the terminal's Ctrl-C is not for us", { tolerate: ['EPERM'] }),
        ...(birth.cgroup?.create ?? []),
        ...pipeSteps(meeting),
        ...beforeClone(
          namespaces,
          bindSteps('the change of user namespace has undone it'),
          spec.linux?.timeOffsets,
        ),
        ...cloned.parent,
      ]),
      ...within(quiet, [
        ...dropFds(birth.preserveFds ?? 0),
        ...attend(birth, namespaces, two, meeting),
        ...hearTerminal(two, meeting, birth.io, hasLeft(namespaces)),
        ...hearListener(two, birth.listener, hasLeft(namespaces)),
        ...(birth.startFifo === undefined ? live(birth, two, meeting) : leave(two)),
      ]),
      ...within({ stage: 'shim', pause: false }, [
        ...shimFailed(two),
        ...cleanUpSteps([...(birth.network?.release ?? []), ...(birth.cgroup?.remove ?? [])]),
      ]),
      ...within({ stage: 'init', onFail: INIT_FAILED }, [
        ...beginSteps(two),
        ...cloned.child,
        ...init.steps,
      ]),
      ...within({ stage: 'init' }, initFailed(init.tell)),
      ...within({ stage: 'proxy' }, birth.network?.apart ?? []),
    ]),
  };
}

/** While init sets itself up: what only somebody outside may do for it. */
function attend(birth: Birth, namespaces: Namespaces, two: Pair, meeting: Meeting): Step[] {
  const { spec } = birth;
  const user = namespaces.fresh.has('user');
  const steps: Step[] = [];
  if (needsHelp(birth, namespaces)) {
    steps.push(...hear(two, 'init is in its namespaces'));
    if (user) {
      const proc = result('proc');
      const linux = spec.linux ?? {};
      steps.push(
        borrow(two, meeting.proc, proc, "init's own directory in /proc"),
        ...mappingSteps(proc, linux.uidMappings ?? [], linux.gidMappings ?? []),
        ...scoreSteps(proc, spec.process?.oomScoreAdj),
      );
    }
    if (birth.network !== undefined) {
      const netns = result('netns');
      steps.push(
        borrow(two, meeting.netns, netns, "init's network namespace"),
        ...birth.network.shim(netns),
      );
    }
    if (birth.hooks === true)
      steps.push(
        report('n', 'the engine runs the hooks now'),
        call('read', [CONTROL_FD, pointer(buffer('word', 8)), 1], 'until they are done', {
          jump: { on: 'zero', to: SHIM_FAILED },
        }),
      );
    steps.push(say(two, 'init may go on'));
  }
  return steps;
}

function pipeSteps({ pipes }: Meeting): Step[] {
  if (pipes === undefined) return [];
  return [pipes.out, pipes.err].map((pipe) =>
    call('pipe2', [pointer(pipe), flags('O_CLOEXEC')], `a pipe for ${pipe.name}, into the log`),
  );
}

/** From init's last preparations to its end. */
function live(birth: Birth, two: Pair, meeting: Meeting): Step[] {
  return [
    ...hearTheEnd(two, 'the socket closes when init executes its program'),
    report('s', 'it is started'),
    ...(birth.bound === true ? [] : outliveSteps()),
    ...attendOutput(birth.io, two, meeting),
    ...(birth.exitRecord === undefined
      ? []
      : exitRecordSteps(two, birth.exitRecord, birth.cgroup?.oomCounter)),
    jump(CLEAN_UP, 'its life is over'),
  ];
}

/** Init waits for `start`, and whoever inherits it waits for its end. */
function leave(two: Pair): Step[] {
  return [
    ...letGoSteps(two),
    report('o', 'the command may go'),
    call('exit_group', [0], 'nobody needs us any more'),
  ];
}
