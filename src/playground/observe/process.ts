import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { posix } from 'node:path';
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
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and brackets, hence the last bracket: proc_pid_stat(5).
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return {
      pid,
      ppid: Number(fields[1]),
      comm: stat.slice(stat.indexOf('(') + 1, close),
      startTime: Number(fields[19]),
      pids: (/^NSpid:\s+(.*)$/m.exec(status)?.[1] ?? String(pid)).split('\t').map(Number),
      root: new RootView(`/proc/${pid}/root`),
      rootId: fileId(`/proc/${pid}/root/`),
      exeId: fileId(`/proc/${pid}/exe`),
    };
  });
}

export function allProcesses(): ProcessView[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readProcess(Number(pid))).filter((one) => one !== undefined);
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
  const names = attempt(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
  return names.flatMap((name) => {
    const link = `/proc/${pid}/fd/${name}`;
    const path = attempt(() => readlinkSync(link));
    return path === undefined ? [] : [{ fd: Number(name), path, id: fileId(link) }];
  });
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
