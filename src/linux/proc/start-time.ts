import { PROC, readProcText } from './read.ts';

/**
 * When a process started, in clock ticks since boot; undefined when there is none, or when it has ended and
 * only its parent has not looked yet. Pid and start time together name a process for good, a pid alone may
 * be another's by now. A file of its own, since every command needs no more. Source: proc_pid_stat(5).
 */
export function startTimeOf(pid: number): string | undefined {
  const stat = readProcText(`${PROC}/${pid}/stat`);
  // The name in parentheses may hold anything, so count from the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return fields[0] === 'Z' ? undefined : fields[19];
}
