import { readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
import { listPids, readFds, readStat, readStatus } from '../../linux/proc/index.ts';
import { attempt, type FileId, fileId, RootView } from './root.ts';

/** The kinds of namespace that a process is in, by their names in `/proc/PID/ns`. */
export const NAMESPACES = ['mnt', 'uts', 'ipc', 'net', 'pid', 'user', 'cgroup'] as const;
export type NamespaceName = (typeof NAMESPACES)[number];

/** One process as the kernel shows it at this moment; pids are those of the observer's namespace. */
export interface ProcessView {
  readonly pid: number;
  readonly ppid: number;
  /** `/proc/PID/comm`: the program's name, at most 15 bytes. */
  readonly comm: string;
  /** Ticks since boot; with the pid it names a process for ever, since pids are used again. */
  readonly startTime: number;
  /** Its pids from the observer's namespace inwards; more than one in a pid namespace of its own. */
  readonly pids: readonly number[];
  /** The directory that is `/` for it. */
  readonly root: RootView;
  readonly rootId: FileId | undefined;
  /** The program file that it runs. */
  readonly exeId: FileId | undefined;
}

/** @returns undefined when there is no such process, or no longer. */
export function readProcess(pid: number): ProcessView | undefined {
  return attempt(() => {
    const [stat, status] = [readStat(pid), readStatus(pid)];
    if (stat === undefined || status === undefined) return undefined;
    return {
      pid,
      ppid: stat.ppid,
      comm: stat.comm,
      startTime: stat.startTime,
      pids: status.nsPid,
      root: new RootView(`/proc/${pid}/root`),
      rootId: fileId(`/proc/${pid}/root/`),
      exeId: fileId(`/proc/${pid}/exe`),
    };
  });
}

export function allProcesses(): ProcessView[] {
  return listPids()
    .map((pid) => readProcess(pid))
    .filter((one) => one !== undefined);
}

/** `/proc/PID/ns/NAME`, e.g. `pid:[4026532281]`. */
export function namespaceOf(pid: number, name: NamespaceName): string | undefined {
  return attempt(() => readlinkSync(`/proc/${pid}/ns/${name}`));
}

/** An open file descriptor: its number, the path as the kernel prints it, and the file itself. */
export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly id: FileId | undefined;
}

export function openFiles(pid: number): OpenFile[] {
  const fds = attempt(() => readFds(pid)) ?? [];
  return fds.map(({ fd, target }) => ({
    fd,
    path: target,
    id: fileId(`/proc/${pid}/fd/${fd}`),
  }));
}

/** The files that the process has mapped into its memory, as the kernel prints their paths. */
export function mappedFiles(pid: number): string[] {
  const maps = attempt(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
  return [...new Set([...maps.matchAll(/ (\/.*)$/gm)].map(([, path = '']) => path))];
}

/** For evidence: `bash (pid 4242, pid 1 in its own namespace)`. */
export function described(one: ProcessView): string {
  const inner = one.pids.at(-1);
  const own = one.pids.length > 1 && inner !== one.pid ? `, ${inner} inside` : '';
  return `${posix.basename(one.comm)} (pid ${one.pid}${own})`;
}
