import { EXTRA_FD } from '../../linux/launch.ts';
import { call, type Step } from '../../linux/plan/index.ts';

/**
 * Descriptors that a caller hands to the program, from 3 on: `--preserve-fds`. The walker has others
 * there, its plan and its control socket, which no program may get: with them it could rewrite what
 * the shim does on the host. So they come to the walker higher up, and are put in their places last.
 */

/** In init, just before it executes its program: each to its place, whatever is there. */
export function placeFds(count: number): Step[] {
  return Array.from({ length: count }, (_, i) =>
    call('dup3', [EXTRA_FD + i, 3 + i, 0], `descriptor ${3 + i} of who asked for this`),
  );
}

/** In the shim: who holds the other end of a pipe shall see its end. */
export function dropFds(count: number): Step[] {
  if (count === 0) return [];
  const args = [EXTRA_FD, EXTRA_FD + count - 1, 0];
  return [call('close_range', args, "the program's descriptors are none of ours")];
}
