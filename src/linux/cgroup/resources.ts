/**
 * What a container may use: `linux.resources` of the OCI runtime-spec (`config-linux.md`), field by
 * field. Sizes are bytes, times microseconds; -1 is "no limit" wherever a limit can be lifted.
 *
 * A field that is there is enforced or is an error; none is ignored.
 */
export interface LinuxResources {
  readonly devices?: readonly DeviceRule[] | undefined;
  readonly memory?: MemoryResources | undefined;
  readonly cpu?: CpuResources | undefined;
  readonly pids?: PidsResources | undefined;
  readonly blockIO?: BlockIOResources | undefined;
  readonly hugepageLimits?: readonly HugepageLimit[] | undefined;
  readonly rdma?: Readonly<Record<string, RdmaLimit>> | undefined;
  readonly network?: NetworkResources | undefined;
  /** File names of cgroup v2 with what to write into them: `{ 'memory.high': '1048576' }`. */
  readonly unified?: Readonly<Record<string, string>> | undefined;
}

export interface MemoryResources {
  readonly limit?: number | undefined;
  /** What the kernel tries to leave to this cgroup when memory gets tight. */
  readonly reservation?: number | undefined;
  /** Memory *and* swap together, as v1 counts it: equal to `limit` means no swap at all. */
  readonly swap?: number | undefined;
  /** Deprecated by the kernel, which takes it no more: an error. */
  readonly kernel?: number | undefined;
  /** Bytes of TCP buffers. v1 only. */
  readonly kernelTCP?: number | undefined;
  /** 0 to 100, how eagerly the kernel swaps. v1 only. */
  readonly swappiness?: number | undefined;
  /** Let a process that hits the limit sleep instead of being killed. v1 only. */
  readonly disableOOMKiller?: boolean | undefined;
  /** An update fails when more than the new limit is in use already. */
  readonly checkBeforeUpdate?: boolean | undefined;
}

export interface CpuResources {
  /** 2 to 262144, relative to the siblings; 1024 is what a cgroup has by itself. */
  readonly shares?: number | undefined;
  /** Microseconds of CPU time in each period, for all CPUs together. */
  readonly quota?: number | undefined;
  /** Microseconds, 1000 to 1000000; 100000 by itself. */
  readonly period?: number | undefined;
  /** Microseconds of unused quota that may be saved up. */
  readonly burst?: number | undefined;
  /** Microseconds. v1 only, and only for kernels with RT_GROUP_SCHED. */
  readonly realtimeRuntime?: number | undefined;
  readonly realtimePeriod?: number | undefined;
  /** A list as in `0-2,7`. */
  readonly cpus?: string | undefined;
  /** Memory nodes, a list as in `0-1`. */
  readonly mems?: string | undefined;
  /** 1: run only when nobody else wants the CPU (SCHED_IDLE for the whole cgroup). */
  readonly idle?: number | undefined;
}

export interface PidsResources {
  /** Tasks (threads, too); -1 is no limit. 0 leaves it alone, as in docker, runc and crun. */
  readonly limit: number;
}

export interface BlockIOResources {
  /** 10 to 1000, relative to the siblings. */
  readonly weight?: number | undefined;
  /** Of the CFQ scheduler, which no living kernel has: an error. */
  readonly leafWeight?: number | undefined;
  readonly weightDevice?: readonly WeightDevice[] | undefined;
  /** Bytes a second. */
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[] | undefined;
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[] | undefined;
  /** Operations a second. */
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[] | undefined;
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[] | undefined;
}

export interface WeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number | undefined;
  readonly leafWeight?: number | undefined;
}

export interface ThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

export interface HugepageLimit {
  /** As the kernel names the file: `2MB`, `1GB`. */
  readonly pageSize: string;
  readonly limit: number;
}

export interface RdmaLimit {
  readonly hcaHandles?: number | undefined;
  readonly hcaObjects?: number | undefined;
}

/** Marks on packets; v1 only. */
export interface NetworkResources {
  readonly classID?: number | undefined;
  readonly priorities?: readonly { readonly name: string; readonly priority: number }[] | undefined;
}

/**
 * One rule on device nodes. The rules are applied in order, the last one that fits decides, each
 * kind of access by itself; what no rule mentions is allowed.
 */
export interface DeviceRule {
  readonly allow: boolean;
  /** `a` is both kinds; `u` is an unbuffered character device, the same as `c`. */
  readonly type?: 'a' | 'b' | 'c' | 'u' | undefined;
  /** Every number when missing or -1. */
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** Any of `r`ead, `w`rite and `m`knod; all of them when missing. */
  readonly access?: string | undefined;
}

/**
 * What every container may use, to be appended to a bundle's own rules: null, zero, full, random,
 * urandom, tty, console, ptmx, the pseudo-terminals, and making nodes (without opening them).
 *
 * Source: `config-linux.md`, "Default Devices"; the order and the mknod rules as in runc and crun.
 */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  { allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 7, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 8, access: 'rwm' },
  { allow: true, type: 'c', major: 1, minor: 9, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 0, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 1, access: 'rwm' },
  { allow: true, type: 'c', major: 5, minor: 2, access: 'rwm' },
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];
