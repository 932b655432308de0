import { readdirSync } from 'node:fs';
import { type Pid, PROC, readProcLink, unlessGone } from './read.ts';

/** An open file descriptor of a process. Source: proc_pid_fd(5). */
export interface OpenFd {
  readonly fd: number;
  /**
   * What it leads to, as the kernel prints it for the process that asks: a path, with ` (deleted)`
   * when the file has no name any more, or `pipe:[4711]`, `socket:[4712]`, `anon_inode:[eventpoll]`.
   */
  readonly target: string;
}

/**
 * The open file descriptors of a process, ascending; those that it closes in the meantime are left
 * out. A zombie has none. Undefined when there is no such process.
 *
 * @throws EACCES: needs PTRACE_MODE_READ on the process, see ptrace(2).
 */
export function readFds(pid: Pid, proc = PROC): OpenFd[] | undefined {
  const directory = `${proc}/${pid}/fd`;
  return unlessGone(() => readdirSync(directory))
    ?.map(Number)
    .sort((a, b) => a - b)
    .flatMap((fd) => {
      const target = readProcLink(`${directory}/${fd}`);
      return target === undefined ? [] : [{ fd, target }];
    });
}
