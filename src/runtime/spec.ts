import type { Scheduler } from '../linux/scheduling.ts';

/**
 * The part of an OCI `config.json` that Linux knows, as types. Paths inside the container are
 * absolute; sizes are bytes, times microseconds unless they say otherwise.
 *
 * Source: runtime-spec `config.md` and `config-linux.md`. `schema.ts` checks foreign files against
 * it; what the engine makes itself needs no check.
 */
export interface Spec {
  readonly ociVersion: string;
  readonly process?: Process | undefined;
  readonly root?: { readonly path: string; readonly readonly?: boolean | undefined } | undefined;
  readonly hostname?: string | undefined;
  readonly domainname?: string | undefined;
  readonly mounts?: readonly Mount[] | undefined;
  readonly hooks?: Hooks | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly linux?: Linux | undefined;
}

export interface Process {
  readonly terminal?: boolean | undefined;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  readonly user: User;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  readonly cwd: string;
  readonly capabilities?: Capabilities | undefined;
  readonly rlimits?: readonly Rlimit[] | undefined;
  readonly noNewPrivileges?: boolean | undefined;
  readonly oomScoreAdj?: number | undefined;
  readonly scheduler?: Scheduler | undefined;
  readonly ioPriority?: IoPriority | undefined;
  readonly apparmorProfile?: string | undefined;
  readonly selinuxLabel?: string | undefined;
}

/** How its reads and writes get the disk. Source: ioprio_set(2). */
export interface IoPriority {
  /** `IOPRIO_CLASS_RT`, `IOPRIO_CLASS_BE`, `IOPRIO_CLASS_IDLE` */
  readonly class: string;
  /** 0, the first, to 7 */
  readonly priority: number;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly umask?: number | undefined;
  readonly additionalGids?: readonly number[] | undefined;
}

/** Five sets of names such as `CAP_CHOWN`. */
export interface Capabilities {
  readonly bounding?: readonly string[] | undefined;
  readonly effective?: readonly string[] | undefined;
  readonly inheritable?: readonly string[] | undefined;
  readonly permitted?: readonly string[] | undefined;
  readonly ambient?: readonly string[] | undefined;
}

export interface Rlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface Mount {
  readonly destination: string;
  readonly source?: string | undefined;
  readonly type?: string | undefined;
  readonly options?: readonly string[] | undefined;
}

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[] | undefined;
  readonly env?: readonly string[] | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
}

export type HookName =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop';
export type Hooks = { readonly [name in HookName]?: readonly Hook[] | undefined };

export type NamespaceType =
  | 'pid'
  | 'network'
  | 'mount'
  | 'ipc'
  | 'uts'
  | 'user'
  | 'cgroup'
  | 'time';

export interface Linux {
  /** With a path: the namespace to join; without: a new one. */
  readonly namespaces?:
    | readonly { readonly type: NamespaceType; readonly path?: string | undefined }[]
    | undefined;
  /** What the clocks of a new time namespace are ahead of the host's. */
  readonly timeOffsets?: TimeOffsets | undefined;
  readonly personality?: { readonly domain: 'LINUX' | 'LINUX32' } | undefined;
  readonly uidMappings?: readonly IdMapping[] | undefined;
  readonly gidMappings?: readonly IdMapping[] | undefined;
  readonly devices?: readonly Device[] | undefined;
  readonly cgroupsPath?: string | undefined;
  /** In the shape of `linux/cgroup`'s `Resources`. */
  readonly resources?: object | undefined;
  readonly rootfsPropagation?: string | undefined;
  /** In the shape of `linux/seccomp`'s policy. */
  readonly seccomp?: object | undefined;
  readonly sysctl?: Readonly<Record<string, string>> | undefined;
  readonly maskedPaths?: readonly string[] | undefined;
  readonly readonlyPaths?: readonly string[] | undefined;
  readonly mountLabel?: string | undefined;
}

export type TimeOffsets = {
  readonly [clock in 'monotonic' | 'boottime']?:
    | { readonly secs?: number | undefined; readonly nanosecs?: number | undefined }
    | undefined;
};

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface Device {
  /** `c` or `u` character, `b` block, `p` FIFO. */
  readonly type: 'c' | 'u' | 'b' | 'p';
  readonly path: string;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** Permission bits. */
  readonly fileMode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}
