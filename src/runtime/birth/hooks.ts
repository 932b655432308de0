import {
  type Block,
  block,
  buffer,
  call,
  flags,
  int32,
  type Label,
  label,
  pointer,
  result,
  type Step,
  text,
  texts,
  value,
  within,
} from '../../linux/plan/index.ts';
import type { Hook } from '../spec.ts';

/**
 * Hooks that init itself runs, since they belong into its namespaces: `createContainer` before it
 * goes to its new root, `startContainer` after that, just before its program. Each is a child that
 * has the container's state on its standard input. Source: runtime-spec `config.md`.
 */
export interface InnerHooks {
  readonly createContainer: readonly Hook[];
  readonly startContainer: readonly Hook[];
  /** What they are told, and how long it is: filled in while init waits, when its pid is known. */
  readonly creating: StateText;
  readonly created: StateText;
}

/** Room for the state as JSON in the plan's memory. */
export interface StateText {
  readonly text: Block;
  /** Eight bytes: how many of them count. */
  readonly length: Block;
}

/** A hook in the plan, and where it leaves its wait status. */
export interface PlannedHook {
  readonly name: keyof Pick<InnerHooks, 'createContainer' | 'startContainer'>;
  readonly hook: Hook;
  readonly status: Block;
}

/** @param size the most bytes that the state will have; a pipe must hold them, 64 KiB */
export function stateText(name: string, size: number): StateText {
  return { text: buffer(name, size), length: buffer(`${name} length`, 8) };
}

/** Runs hooks one after another. A failure of one is a failure of the step that says so. */
export function hookSteps(
  name: PlannedHook['name'],
  inner: InnerHooks | undefined,
): { readonly steps: Step[]; readonly planned: PlannedHook[] } {
  const planned = (inner?.[name] ?? []).map((hook) => {
    return { name, hook, status: buffer(`status of ${hook.path}`, 8) };
  });
  if (inner === undefined) return { steps: [], planned };
  const state = name === 'createContainer' ? inner.creating : inner.created;
  return { steps: planned.flatMap((one) => runSteps(one, state)), planned };
}

function runSteps({ name, hook, status }: PlannedHook, state: StateText): Step[] {
  const what = `the ${name} hook ${hook.path}`;
  const pipe = buffer('stdin', 8);
  const [reading, writing] = [value(pipe, 0, 'i32'), value(pipe, 4, 'i32')];
  const [pid, pidfd] = [result('hook'), block('hook pidfd', [int32(-1)], { size: 8 })];
  const [child, over]: [Label, Label] = [{ name: 'hook' }, { name: 'next' }];
  return [
    call('pipe2', [pointer(pipe), flags('O_CLOEXEC')], `what ${what} reads`),
    // Both ends are ours still, and a pipe holds that much: nobody has to wait, nobody gets SIGPIPE.
    call(
      'write',
      [writing, pointer(state.text), value(state.length)],
      'the state of the container',
    ),
    call('close', [writing], 'that is all'),
    call('clone', [flags('CLONE_PIDFD', 'SIGCHLD'), 0, pointer(pidfd), 0, 0], what, {
      save: pid,
      jump: { on: 'zero', to: child },
    }),
    call('close', [reading], 'that end is its own'),
    ...untilItEnds(value(pidfd, 0, 'i32'), hook.timeout),
    call('wait4', [pid, pointer(status), flags('__WALL'), 0], 'how it has ended'),
    call('close', [value(pidfd, 0, 'i32')], 'it is gone'),
    call('value', [value(status)], 'did it go well?', { jump: { on: 'zero', to: over } }),
    call('value', [-ECANCELED], `${what} has failed`),
    ...childSteps(hook, reading, child),
    label(over, `${what} has done its part`),
  ];
}

/** With a time-out: when it is over, the hook is. */
function untilItEnds(pidfd: Step['args'][0], timeout: number | undefined): Step[] {
  if (timeout === undefined) return [];
  const ended: Label = { name: 'ended' };
  const entry = block('pollfd', [int32(-1, 1)]);
  const time = block(`${timeout} s`, [timeout, 0]);
  return [
    call('value', [pidfd], 'whose end to wait for', { save: value(entry, 0, 'i32') }),
    call('ppoll', [pointer(entry), 1, pointer(time), 0, 0], `wait for it, ${timeout} s at most`, {
      jump: { on: 'nonzero', to: ended },
    }),
    call('pidfd_send_signal', [pidfd, flags('SIGKILL'), 0, 0], 'its time is over'),
    label(ended, 'it has ended'),
  ];
}

/** In the child: nobody else comes here. Its failure is its exit code, which init sees. */
function childSteps(hook: Hook, input: Step['args'][0], begin: Label): Step[] {
  const leave: Label = { name: 'no hook' };
  return [
    ...within({ onFail: leave, pause: false }, [
      call('setsid', [], 'a session of its own', { label: begin, tolerate: 'any' }),
      call('dup3', [input, 0, 0], 'the state is its input', { tolerate: 'any' }),
      call(
        'close_range',
        [3, 0xffff_ffff, flags('CLOSE_RANGE_CLOEXEC')],
        "it has none of init's descriptors",
      ),
      call(
        'execve',
        [text(hook.path), texts(hook.args ?? [hook.path]), texts(hook.env ?? [])],
        `become ${hook.path}`,
        { tolerate: 'any' },
      ),
    ]),
    call('exit_group', [127], 'there is no such program', { label: leave, pause: false }),
  ];
}

/** What the step says that fails then; the status tells the rest. */
const ECANCELED = 125;
