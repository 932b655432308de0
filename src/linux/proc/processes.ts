import { readdirSync } from 'node:fs';
import { type Pid, PROC, readProcText } from './read.ts';

/** The pids of all processes that this /proc shows, ascending. Threads are not among them. */
export function listPids(proc = PROC): number[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * The arguments of a process: empty for kernel threads and zombies, undefined when there is no such
 * process. Source: proc_pid_cmdline(5).
 */
export function readCmdline(pid: Pid, proc = PROC): string[] | undefined {
  const text = readProcText(`${proc}/${pid}/cmdline`);
  return text === undefined ? undefined : parseCmdline(text);
}

/**
 * Every argument ends with a NUL, so an empty one is to be seen. A process that wrote its own title
 * over its arguments may have left out the last NUL.
 */
export function parseCmdline(text: string): string[] {
  if (text === '') return [];
  return text.replace(/\0$/, '').split('\0');
}
