import { join } from 'node:path';

export const DEFAULT_ROOT = '/var/lib/cloche';

/**
 * Where cloche keeps what must last: images, snapshots, containers, names. `/var/lib/cloche`, or
 * what `CLOCHE_ROOT` says.
 */
export function stateRoot(): string {
  return process.env.CLOCHE_ROOT ?? DEFAULT_ROOT;
}

/** Where cloche keeps what may vanish at reboot; inside of `CLOCHE_ROOT` where that is set. */
export function runRoot(): string {
  return process.env.CLOCHE_ROOT === undefined ? '/run/cloche' : join(stateRoot(), 'run');
}
