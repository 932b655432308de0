import { CONTROL_FD } from '../../linux/launch.ts';
import { buffer, bytes, call, flags, pointer, type Step, value } from '../../linux/plan/index.ts';
import { INIT_FAILED, type Pair, SHIM_FAILED } from './shim.ts';
import { hear, report, say } from './talk.ts';

/**
 * A process that other engines start through us and leave alone. They wait for it themselves, by the pid
 * that we write down: conmon and containerd's shim inherit all children below them, and learn only of those
 * how they ended. So it is cloned as a child of the command (CLONE_PARENT), who soon ends and leaves it to
 * them, and its shim goes as soon as it is not needed any more. Source: prctl(2), PR_SET_CHILD_SUBREAPER.
 *
 * Until it is written down who it is it dies with the command, as the shim does. Then it lets go of that by
 * itself, since nobody else could, and says so: the command must not end before.
 */

/** In the shim: its child is ready, and the command has noted it. */
export function letGoSteps(two: Pair): Step[] {
  return [
    ...hear(two, 'it is ready'),
    report('c', 'it is created'),
    call('read', [CONTROL_FD, pointer(buffer('word', 8)), 1], 'until the engine has noted it', {
      jump: { on: 'zero', to: SHIM_FAILED },
    }),
    say(two, 'it may live without us'),
    ...hear(two, 'and it will'),
  ];
}

/** In the child, when all is ready but the program: nothing after this may need the shim. */
export function lettingGoSteps({ sockets }: Pair): Step[] {
  const ours = value(sockets, 4, 'i32');
  const ready = [ours, bytes(Uint8Array.of(114), '"r"'), 1] as const;
  return [
    call('write', ready, 'ready'),
    call('read', [ours, pointer(buffer('word', 8)), 1], 'until it is written down who we are', {
      jump: { on: 'zero', to: INIT_FAILED },
    }),
    call('prctl', [flags('PR_SET_PDEATHSIG'), 0, 0, 0, 0], 'we outlive the command'),
    call('write', ready, 'which may go now'),
  ];
}
