import { readdirSync } from 'node:fs';
import { readMounts } from './mountinfo.ts';
import { readNamespaces } from './namespaces.ts';
import { PROC, readProcLink, readProcText, unlessGone } from './read.ts';
import { readStatus } from './status.ts';

/** What the kernel says of a process, as facts by name: `mount /proc` → `proc, rw,nosuid`. */
export type Snapshot = ReadonlyMap<string, string>;

/** A fact that is there now and was not, is no more, or is another. */
export interface Change {
  readonly fact: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/**
 * Everything that a container's birth changes about a process: its namespaces, mounts, root, working
 * directory, descriptors, user, capabilities, cgroups, program. Read from `/proc` at this moment;
 * empty when there is no such process.
 */
export function takeSnapshot(pid: number): Snapshot {
  const facts = new Map<string, string>();
  const note = (name: string, content: string | undefined) => {
    if (content !== undefined) facts.set(name, content);
  };
  const status = readStatus(pid);
  if (status === undefined) return facts;
  note('name', status.name);
  for (const [name, inode] of Object.entries(readNamespaces(pid) ?? {}))
    note(`namespace ${name}`, String(inode));
  for (const mount of readMounts(pid) ?? [])
    note(`mount ${mount.mountPoint} (${mount.id})`, `${mount.type} ${mount.options.join(',')}`);
  for (const link of ['exe', 'cwd', 'root']) note(link, readProcLink(`${PROC}/${pid}/${link}`));
  for (const fd of unlessGone(() => readdirSync(`${PROC}/${pid}/fd`)) ?? [])
    note(`fd ${fd}`, readProcLink(`${PROC}/${pid}/fd/${fd}`));
  for (const line of (readProcText(`${PROC}/${pid}/cgroup`) ?? '').trim().split('\n')) {
    const [, controllers = '', path] = line.split(':');
    note(`cgroup ${controllers === '' ? 'v2' : controllers}`, path);
  }
  const raw = readProcText(`${PROC}/${pid}/status`) ?? '';
  for (const field of ['Uid', 'Gid', 'CapEff', 'CapBnd', 'NoNewPrivs', 'Seccomp'])
    note(field, new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(raw)?.[1]?.replaceAll('\t', ' '));
  return facts;
}

/** What is different between two snapshots, in the order of the later one. */
export function changes(before: Snapshot, after: Snapshot): Change[] {
  const names = new Set([...after.keys(), ...before.keys()]);
  return [...names]
    .map((fact) => ({ fact, before: before.get(fact), after: after.get(fact) }))
    .filter((change) => change.before !== change.after);
}
