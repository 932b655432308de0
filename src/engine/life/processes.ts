import { readFileSync } from 'node:fs';
import { listPids, readCmdline } from '../../linux/proc/processes.ts';
import type { Container } from './records.ts';

/**
 * When a process started, in clock ticks since boot; undefined when there is none. Pid and start time
 * together name a process for good, a pid alone may be another's by now. Source: proc_pid_stat(5).
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; only its parent has not looked yet.
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * The shims of containers and builds, be they such as have not made a process yet, by what is seen of their
 * ids; and those processes of theirs that serve ::1.
 */
export function shimsAlive(): Set<string> {
  const names = listPids().map((pid) => readCmdline(pid)?.[0] ?? '');
  return new Set(names.flatMap((name) => /^cloche-shim (.+)$/.exec(name)?.[1] ?? []));
}

/** Whether the container's init is the process that we started. */
export function isAlive(container: Container): boolean {
  return (
    container.status === 'running' &&
    container.pid !== undefined &&
    startTimeOf(container.pid) === container.pidStart
  );
}
