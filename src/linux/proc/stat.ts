import { type Pid, PROC, readProcText } from './read.ts';
import type { ProcessState } from './status.ts';

/**
 * Who a process is, for certain: a pid is used again, but together with the time it started at it
 * names one process for ever. Source: proc_pid_stat(5).
 */
export interface ProcessStat {
  readonly pid: number;
  /** As `ps` shows it, at most 15 bytes; it may hold spaces and parentheses. */
  readonly comm: string;
  readonly state: ProcessState;
  readonly ppid: number;
  readonly pgrp: number;
  readonly session: number;
  /** Clock ticks (sysconf(_SC_CLK_TCK), 100 a second) since the machine started. */
  readonly startTime: number;
}

/** The stat of a process, or undefined when there is none of that number. */
export function readStat(pid: Pid, proc = PROC): ProcessStat | undefined {
  const text = readProcText(`${proc}/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

/**
 * Parses the text of `/proc/PID/stat`. The name stands in parentheses and may hold some itself, so
 * it ends at the *last* one: everything after it is numbers.
 */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  /** Numbered as the manual page does, where the state is field 3. */
  const field = (number: number) => Number(rest[number - 3]);
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: (rest[0] ?? 'X') as ProcessState,
    ppid: field(4),
    pgrp: field(5),
    session: field(6),
    startTime: field(22),
  };
}
