import { CONTROL_FD } from '../../linux/launch.ts';
import {
  buffer,
  call,
  pointer,
  result,
  type Step,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import { borrow } from './attend.ts';
import { handOver, receive, send } from './hand-over.ts';
import type { StateText } from './hooks.ts';
import { type Pair, SHIM_FAILED } from './shim.ts';
import { hear, meet, report, say } from './talk.ts';

/**
 * Where the kernel asks about the calls that a filter neither allows nor refuses (SCMP_ACT_NOTIFY). Whoever
 * loads the filter gets it, as an fd, and the shim hands it to the agent that shall answer: from the host, where
 * the agent's socket is, and without a filter. Source: seccomp_unotify(2), runtime-spec `config-linux.md`.
 */
export interface Listener {
  /** An fd of the process that loads the filter. */
  readonly fd: Value;
  /** The agent's socket, on the host. */
  readonly path: string;
  /** What the config wants it to be told. */
  readonly metadata?: string | undefined;
  /** What the agent is told with it: filled in while the shim waits, when it is known who asks. */
  readonly told: StateText;
}

/** Why the shim connects there: by that its failure is known. */
export const AGENT = 'the agent that answers';

/**
 * In the process whose filter is loaded. From here on the kernel asks about its calls too.
 *
 * @param sends as `hearTerminal` has it
 */
export function introduceSteps(two: Pair, { fd }: Listener, sends: boolean): Step[] {
  return [
    ...(sends ? send(value(two.sockets, 4, 'i32'), fd) : []),
    ...meet(two, 'a filter is loaded that asks', 'there is somebody to answer'),
    call('close', [fd], 'nobody in here may answer'),
  ];
}

/** In the shim: the same from outside. */
export function hearListener(two: Pair, listener: Listener | undefined, sent: boolean): Step[] {
  if (listener === undefined) return [];
  const { fd, path, told } = listener;
  const ours = result('listener of the shim');
  return [
    ...(sent ? receive(value(two.sockets, 0, 'i32'), ours) : []),
    ...hear(two, 'its filter is loaded'),
    ...(sent ? [] : [borrow(two, fd, ours, 'where the kernel asks')]),
    report('l', 'the engine says who it is'),
    call('read', [CONTROL_FD, pointer(buffer('word', 8)), 1], 'until it has said so', {
      jump: { on: 'zero', to: SHIM_FAILED },
    }),
    ...handOver(ours, path, { to: AGENT, text: told.text, length: value(told.length) }),
    say(two, 'it may go on'),
  ];
}
