import { type Pid, PROC, readProcText } from './read.ts';

/** What the kernel says of a process's identity and rights. Source: proc_pid_status(5). */
export interface ProcessStatus {
  /** The name of the program, at most 15 bytes, or what the process calls itself. */
  readonly name: string;
  readonly state: ProcessState;
  readonly pid: number;
  /** Its parent, in the pid namespace of the reader; 0 when that one is not to be seen. */
  readonly ppid: number;
  /** User ids in the user namespace of the reader. */
  readonly uid: Ids;
  readonly gid: Ids;
  readonly groups: readonly number[];
  /** Its pid in each pid namespace, from the reader's (outermost) to its own (innermost). */
  readonly nsPid: readonly number[];
  readonly capabilities: CapabilitySets;
  readonly noNewPrivs: boolean;
  readonly seccomp: 'disabled' | 'strict' | 'filter';
  /** How many filters are stacked; undefined before Linux 5.9. */
  readonly seccompFilters: number | undefined;
  readonly threads: number;
}

/** Running, sleeping, uninterruptible, stopped, traced, zombie, dead, idle (kernel threads), parked. */
export type ProcessState = 'R' | 'S' | 'D' | 'T' | 't' | 'Z' | 'X' | 'I' | 'P';

export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
  readonly filesystem: number;
}

/** Bit n is the capability of number n. Source: capabilities(7). */
export interface CapabilitySets {
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
}

/** The status of a process, or undefined when there is none of that number. */
export function readStatus(pid: Pid, proc = PROC): ProcessStatus | undefined {
  const text = readProcText(`${proc}/${pid}/status`);
  return text === undefined ? undefined : parseStatus(text);
}

/** Parses the text of `/proc/PID/status`. */
export function parseStatus(text: string): ProcessStatus {
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
  const field = (name: string) => fields.get(name) ?? '';
  const set = (name: string) => BigInt(`0x${field(name) || '0'}`);
  const filters = fields.get('Seccomp_filters');
  return {
    name: unescapeName(field('Name')),
    state: field('State').charAt(0) as ProcessState,
    pid: Number(field('Pid')),
    ppid: Number(field('PPid')),
    uid: idsOf(field('Uid')),
    gid: idsOf(field('Gid')),
    groups: numbersOf(field('Groups')),
    nsPid: numbersOf(field('NSpid')),
    capabilities: {
      inheritable: set('CapInh'),
      permitted: set('CapPrm'),
      effective: set('CapEff'),
      bounding: set('CapBnd'),
      ambient: set('CapAmb'),
    },
    noNewPrivs: field('NoNewPrivs') === '1',
    seccomp: SECCOMP_MODES[Number(field('Seccomp'))] ?? 'disabled',
    seccompFilters: filters === undefined ? undefined : Number(filters),
    threads: Number(field('Threads')),
  };
}

const SECCOMP_MODES = ['disabled', 'strict', 'filter'] as const;

function numbersOf(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}

function idsOf(text: string): Ids {
  const [real = -1, effective = -1, saved = -1, filesystem = -1] = numbersOf(text);
  return { real, effective, saved, filesystem };
}

/** A process may have a newline or a backslash in its name, which would break the lines. */
function unescapeName(name: string): string {
  return name.replace(/\\(n|\\)/g, (_, escaped) => (escaped === 'n' ? '\n' : '\\'));
}
