import type { HostEntry } from '../build/index.ts';
import type { Rlimit } from '../linux/rlimits.ts';
import type { PortSpec } from './ports/index.ts';

/** How a container is to be run: what `cloche run` can say, in docker's words. */
export interface RunOptions {
  readonly image: string;
  /** Replaces the image's Cmd; empty means the image's own. */
  readonly command: readonly string[];
  readonly entrypoint?: readonly string[] | undefined;
  readonly name?: string | undefined;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly detach: boolean;
  /** Remove it when it ends. */
  readonly remove: boolean;
  readonly privileged: boolean;
  /** PID 1 is ours: it reaps, and hands on signals. */
  readonly init?: boolean | undefined;
  /** `KEY=value`, or `KEY` for our own value. */
  readonly env: readonly string[];
  readonly workdir?: string | undefined;
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  readonly user?: string | undefined;
  /** `source:target[:ro]`; a source without a slash is the name of a volume. */
  readonly volumes: readonly string[];
  readonly hostname?: string | undefined;
  readonly network: 'bridge' | 'host' | 'none';
  /** What of its ports shall be reached from outside; only on the bridge. */
  readonly publish?: readonly PortSpec[] | undefined;
  /** All that it exposes as well. */
  readonly publishAll?: boolean | undefined;
  /** `80/tcp`, beside what the image exposes. */
  readonly expose?: readonly string[] | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** CPUs, such as 0.5. */
  readonly cpus?: number | undefined;
  /** The same as what is said of it in full: microseconds of CPU time in each period, and its length. */
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly pidsLimit?: number | undefined;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  /** More lines of `/etc/hosts`; the address may be `host-gateway`. */
  readonly hosts?: readonly HostEntry[] | undefined;
  /** Of `/dev/shm`, in bytes. */
  readonly shmSize?: number | undefined;
  readonly ulimits?: readonly Rlimit[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The root cannot be written to. */
  readonly readOnly?: boolean | undefined;
  /** `directory[:options]`: files in memory. */
  readonly tmpfs?: readonly string[] | undefined;
  /** `/dev/here[:/dev/there[:rwm]]` */
  readonly devices?: readonly string[] | undefined;
  /** More groups of the user, by name or number. */
  readonly groupAdd?: readonly string[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  /** Without a seccomp filter. */
  readonly unconfined?: boolean | undefined;
  /** `net.core.somaxconn` and the like, of its namespaces. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  /** Name servers, instead of the host's; domains in which names are looked for; resolv.conf(5)'s options. */
  readonly dns?: readonly string[] | undefined;
  readonly dnsSearch?: readonly string[] | undefined;
  readonly dnsOptions?: readonly string[] | undefined;
  readonly domainname?: string | undefined;
  /** Namespaces that are not its own: the host's, or another container's. */
  readonly pidMode?: 'host' | `container:${string}` | undefined;
  readonly ipcMode?: 'host' | 'private' | 'shareable' | 'none' | undefined;
  readonly utsMode?: 'host' | undefined;
  readonly cgroupnsMode?: 'host' | 'private' | undefined;
  /** Bytes. */
  readonly memoryReservation?: number | undefined;
  /** Bytes of memory and swap together; -1: as much swap as there is. */
  readonly memorySwap?: number | undefined;
  readonly cpuShares?: number | undefined;
  /** Lists of CPUs and memory nodes, such as `0-2,7`. */
  readonly cpuset?:
    | { readonly cpus?: string | undefined; readonly mems?: string | undefined }
    | undefined;
  readonly oomScoreAdj?: number | undefined;
  /** How `stop` asks it to end; without it the image's StopSignal, or SIGTERM. */
  readonly stopSignal?: string | undefined;
  /** Seconds that it may take then. */
  readonly stopTimeout?: number | undefined;
}

export const DEFAULT_OPTIONS: Omit<RunOptions, 'image'> = {
  command: [],
  tty: false,
  interactive: false,
  detach: false,
  remove: false,
  privileged: false,
  env: [],
  volumes: [],
  network: 'bridge',
  capAdd: [],
  capDrop: [],
};

/** Whether it runs without a seccomp filter. */
export function isUnfiltered({ privileged, unconfined }: RunOptions): boolean {
  return privileged || unconfined === true;
}
