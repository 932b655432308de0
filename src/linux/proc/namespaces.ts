import { type Pid, PROC, readProcLink, readProcText } from './read.ts';

/** The names in `/proc/PID/ns`. Source: namespaces(7). */
export const NAMESPACE_NAMES = [
  'cgroup',
  'ipc',
  'mnt',
  'net',
  'pid',
  'pid_for_children',
  'time',
  'time_for_children',
  'user',
  'uts',
] as const;

export type NamespaceName = (typeof NAMESPACE_NAMES)[number];

/**
 * The inode number of each namespace: two processes share a namespace exactly when the numbers are
 * equal. Kinds that the kernel lacks, or that a zombie has let go of, are not there.
 */
export type NamespaceInodes = Readonly<Partial<Record<NamespaceName, number>>>;

/**
 * The namespaces of a process, or undefined when there is none of that number.
 *
 * @throws EACCES: needs PTRACE_MODE_READ on the process, see ptrace(2).
 */
export function readNamespaces(pid: Pid, proc = PROC): NamespaceInodes | undefined {
  const inodes: Partial<Record<NamespaceName, number>> = {};
  for (const name of NAMESPACE_NAMES) {
    const inode = namespaceInode(readProcLink(`${proc}/${pid}/ns/${name}`) ?? '');
    if (inode !== undefined) inodes[name] = inode;
  }
  const alive = Object.keys(inodes).length > 0 || readProcText(`${proc}/${pid}/comm`) !== undefined;
  return alive ? inodes : undefined;
}

/** 4026531840 for `net:[4026531840]`; undefined for what is no namespace. */
export function namespaceInode(link: string): number | undefined {
  const number = /^[a-z]+:\[(\d+)\]$/.exec(link)?.[1];
  return number === undefined ? undefined : Number(number);
}
