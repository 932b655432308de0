import { readFileSync } from 'node:fs';

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
