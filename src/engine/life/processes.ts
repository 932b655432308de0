import { listPids, readCmdline } from '../../linux/proc/processes.ts';
import { startTimeOf } from '../../linux/proc/start-time.ts';
import type { Container } from './records.ts';

/**
 * The shims of containers and builds, be they such as have not made a process yet, by what is seen of their
 * ids; and those processes of theirs that serve ::1.
 */
export function shimsAlive(): Set<string> {
  const names = listPids().map((pid) => readCmdline(pid)?.[0] ?? '');
  return new Set(names.flatMap((name) => /^cloche-shim (.+)$/.exec(name)?.[1] ?? []));
}

/** Whether the container's init is the process that we started; one that was over before we looked has no start. */
export function isAlive({ status, pid, pidStart }: Container): boolean {
  return (
    status === 'running' &&
    pid !== undefined &&
    pidStart !== undefined &&
    startTimeOf(pid) === pidStart
  );
}
