import { readFileSync } from 'node:fs';
import { readCmdline, readStatus } from '../../linux/proc/index.ts';
import type { Engine } from '../engine.ts';
import { cgroupOfRunning } from '../life/pause.ts';
import { getContainer } from '../life/records.ts';

/** A process of a container, with its ids as the host sees them. */
export interface TopProcess {
  readonly uid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly started: Date;
  /** Seconds of CPU. */
  readonly time: number;
  readonly command: string;
}

/** What runs in a container: read from its cgroup and from `/proc`. @throws `CONTAINER_NOT_RUNNING` */
export function processesOf(engine: Engine, name: string): TopProcess[] {
  return cgroupOfRunning(engine, getContainer(engine, name))
    .processes()
    .map(processAt)
    .filter((process) => process !== undefined);
}

/** Clock ticks a second: what the kernel tells user space, whatever it is built with. */
const TICKS = 100;

/** Source: proc_pid_stat(5). undefined for a process that has just ended. */
function processAt(pid: number): TopProcess | undefined {
  const status = readStatus(pid);
  const fields = statFields(pid);
  if (status === undefined || fields === undefined) return undefined;
  /** Numbered as the manual page does; the state is field 3. */
  const field = (number: number) => Number(fields[number - 3]);
  const boot = Date.now() - uptime() * 1000;
  const words = readCmdline(pid) ?? [];
  return {
    uid: status.uid.effective,
    pid,
    ppid: field(4),
    started: new Date(boot + (field(22) / TICKS) * 1000),
    time: (field(14) + field(15)) / TICKS,
    command: words.length > 0 ? words.join(' ') : `[${status.name}]`,
  };
}

function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
}
