import { type Pid, PROC, readProcText } from './read.ts';

/** One mount, as its process sees it. Source: proc_pid_mountinfo(5). */
export interface Mount {
  /** Unique among the mounts that exist at one time; numbers are used again. */
  readonly id: number;
  /** The mount that this one lies on; of the topmost one, one that this process cannot see, or itself. */
  readonly parent: number;
  /** The device of the files, as `st_dev` has it. */
  readonly major: number;
  readonly minor: number;
  /** Which directory of the filesystem is mounted; not `/` for bind mounts. */
  readonly root: string;
  /** Where, from the root directory of the process. */
  readonly mountPoint: string;
  /** Of this mount: `ro`, `nosuid`, `relatime`… */
  readonly options: readonly string[];
  /** The peer group in which mounts propagate, if this mount is shared. */
  readonly shared: number | undefined;
  /** The peer group that it receives mounts from, if it is a slave. */
  readonly master: number | undefined;
  /** The nearest group that it receives mounts from and that this process can see. */
  readonly propagateFrom: number | undefined;
  readonly unbindable: boolean;
  /** `ext4`, `overlay`; with a subtype `fuse.sshfs`. */
  readonly type: string;
  /** A device, or any word: `none`, `overlay`. */
  readonly source: string;
  /** Of the filesystem, alike for all of its mounts: `lowerdir=…` and the like. */
  readonly superOptions: readonly string[];
}

/**
 * All mounts in the mount namespace of `pid` that it can reach from its root, in the kernel's order:
 * who lies above comes later. Undefined when there is no such process.
 */
export function readMounts(pid: Pid = 'self', proc = PROC): Mount[] | undefined {
  const text = readProcText(`${proc}/${pid}/mountinfo`);
  return text === undefined ? undefined : parseMountinfo(text);
}

/** Parses the text of `/proc/PID/mountinfo`. Lines that are no mounts are left out. */
export function parseMountinfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const mount = parseLine(line);
    return mount === undefined ? [] : [mount];
  });
}

/** Undoes the octal escapes with which the kernel writes space, tab, newline, `#` and backslash. */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/**
 * `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: six fields,
 * any number of optional ones, a hyphen, three fields more. An empty source leaves two spaces.
 */
function parseLine(line: string): Mount | undefined {
  const fields = line.split(' ');
  const hyphen = fields.indexOf('-', 6);
  const [id, parent, device = '', root, mountPoint, options] = fields;
  const [type, source, superOptions = ''] = fields.slice(hyphen + 1);
  if (hyphen < 0 || root === undefined || mountPoint === undefined) return undefined;
  if (options === undefined || type === undefined || source === undefined) return undefined;
  const [major, minor] = device.split(':');
  const optional = optionalFields(fields.slice(6, hyphen));
  return {
    id: Number(id),
    parent: Number(parent),
    major: Number(major),
    minor: Number(minor),
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    options: options.split(','),
    shared: optional.get('shared'),
    master: optional.get('master'),
    propagateFrom: optional.get('propagate_from'),
    unbindable: optional.has('unbindable'),
    type: unescapeOctal(type),
    source: unescapeOctal(source),
    superOptions: superOptions.split(',').filter(Boolean).map(unescapeOctal),
  };
}

/** `shared:5 master:3 unbindable`, by name. Names of a later kernel do no harm. */
function optionalFields(fields: readonly string[]): Map<string, number | undefined> {
  return new Map(
    fields.map((field) => {
      const [name = '', group] = field.split(':');
      return [name, group === undefined ? undefined : Number(group)];
    }),
  );
}
