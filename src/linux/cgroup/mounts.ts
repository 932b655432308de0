/** A cgroup filesystem in `/proc/self/mountinfo`. */
export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** The cgroup that the mount shows as its root. */
  readonly root: string;
  /** The superblock's options; on v1 these name the controllers, or `name=systemd`. */
  readonly options: readonly string[];
}

/**
 * The cgroup mounts that can be reached, one for each hierarchy, in the order of the mounts.
 *
 * A mount below which (or on which) something else was mounted later is there and yet cannot be
 * reached; it is left out. Where one hierarchy is mounted twice, the mount that shows more of it
 * wins, then the earlier.
 *
 * Source: proc_pid_mountinfo(5).
 */
export function cgroupMounts(mountinfo: string): CgroupMount[] {
  const entries = mountinfo.split('\n').flatMap((line) => parseEntry(line) ?? []);
  const byHierarchy = new Map<string, Entry>();
  for (const entry of entries) {
    if (!entry.type.startsWith('cgroup') || isHidden(entry, entries)) continue;
    const hierarchy = entry.device;
    const known = byHierarchy.get(hierarchy);
    if (known === undefined || entry.root.length < known.root.length)
      byHierarchy.set(hierarchy, entry);
  }
  return [...byHierarchy.values()].map(({ type, mountPoint, root, options }) => {
    return { version: type === 'cgroup2' ? 2 : 1, mountPoint, root, options };
  });
}

interface Entry {
  readonly id: string;
  readonly parent: string;
  /** `major:minor` of the superblock: the same for every mount of a hierarchy. */
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly options: readonly string[];
}

function parseEntry(line: string): Entry | undefined {
  // 36 35 0:33 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
  const [before = '', after = ''] = line.split(' - ');
  const [id, parent, device, root, mountPoint] = before.split(' ');
  const [type, , options] = after.split(' ');
  if (!id || !parent || !device || !root || !mountPoint || !type) return undefined;
  const path = unescapeOctal(mountPoint);
  const opts = (options ?? '').split(',');
  return { id, parent, device, root: unescapeOctal(root), mountPoint: path, type, options: opts };
}

/** Something that does not carry this mount lies on it or on a directory above it. */
function isHidden(entry: Entry, entries: readonly Entry[]): boolean {
  const below = ancestorsOf(entry, entries);
  return entries.some(
    (other) => !below.has(other.id) && isWithin(entry.mountPoint, other.mountPoint),
  );
}

function ancestorsOf(entry: Entry, entries: readonly Entry[]): Set<string> {
  const ids = new Set([entry.id]);
  let next = entries.find(({ id }) => id === entry.parent);
  while (next !== undefined && !ids.has(next.id)) {
    ids.add(next.id);
    const { parent } = next;
    next = entries.find(({ id }) => id === parent);
  }
  return ids;
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The kernel writes space, tab, newline and backslash in a path as `\040`. */
function unescapeOctal(path: string): string {
  if (!path.includes('\\')) return path;
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
