import { CONTROL_FD } from '../../linux/launch.ts';
import {
  buffer,
  call,
  flags,
  pointer,
  result,
  type Step,
  type Value,
  value,
} from '../../linux/plan/index.ts';
import type { Io, Meeting } from './birth.ts';
import { handOver, receive } from './hand-over.ts';
import { copyTo, logTo, openLog, pumpSteps, resizeFrom } from './pump.ts';
import { type Pair, SHIM_FAILED, waitSteps } from './shim.ts';
import { hear, report, say } from './talk.ts';

/** What the shim does for the input and output of its child. */

/**
 * Takes over the terminal's master that the child has opened; perhaps for somebody who asked for it.
 *
 * @param sent whether the child sends it, as it must when we have left our user namespace, and with that
 *   the right to take it: its memory, and so its descriptors, still belong to the one we came from
 */
export function hearTerminal(
  two: Pair,
  { terminal }: Pick<Meeting, 'terminal'>,
  io: Io,
  sent = false,
): Step[] {
  if (terminal === undefined) return [];
  return [
    ...(sent ? receive(value(two.sockets, 0, 'i32'), terminal.ours) : []),
    ...hear(two, 'it has a terminal'),
    ...(sent ? [] : [borrow(two, terminal.master, terminal.ours, 'its other end is ours')]),
    ...(io.kind === 'console' ? handOver(terminal.ours, io.socket) : []),
    say(two, 'it may go on'),
  ];
}

/** From here on the engine knows us, and may go. */
export function outliveSteps(): Step[] {
  return [
    call('read', [CONTROL_FD, pointer(buffer('word', 8)), 1], 'until the engine has noted it', {
      jump: { on: 'zero', to: SHIM_FAILED },
    }),
    call('prctl', [flags('PR_SET_PDEATHSIG'), 0, 0, 0, 0], 'now we outlive the command'),
    report('o', 'which may go'),
  ];
}

/** Carries what the container says to where it shall go, until it ends. */
export function attendOutput(
  io: Io,
  two: Pair,
  { terminal, pipes }: Pick<Meeting, 'terminal' | 'pipes'>,
): Step[] {
  const master = terminal?.ours;
  if (io.kind === 'log') {
    const log = result('log');
    const source = (name: string, from: Value, stream: 1 | 2) =>
      ({ name, from, drain: true, deliver: logTo(log, stream) }) as const;
    const sources =
      master !== undefined || pipes === undefined
        ? [source('the terminal', master ?? value(buffer('none', 8)), 1)]
        : [
            source('stdout', value(pipes.out, 0, 'i32'), 1),
            source('stderr', value(pipes.err, 0, 'i32'), 2),
          ];
    const mine = [pipes?.out, pipes?.err].flatMap((pipe) =>
      pipe === undefined ? [] : [call('close', [value(pipe, 4, 'i32')], `${pipe.name} is init's`)],
    );
    const typed =
      master === undefined || io.typed !== true
        ? []
        : [{ name: 'who is attached', from: 0, deliver: copyTo(master), drain: false }];
    return [...mine, openLog(io.path, log), ...pumpSteps([...typed, ...sources], two)];
  }
  if (master === undefined || io.kind === 'console') return waitSteps(two);
  return pumpSteps(
    [
      { name: 'your keyboard', from: 0, deliver: copyTo(master), drain: false },
      { name: 'the terminal', from: master, deliver: copyTo(1), drain: true },
      resizeFrom(master),
    ],
    two,
  );
}

/** A copy of init's fd, by way of its pidfd. Source: pidfd_getfd(2). */
export function borrow({ pidfd }: Pair, theirs: Value, ours: Value, why: string): Step {
  return call('pidfd_getfd', [pidfd, theirs, 0], why, { save: ours });
}
