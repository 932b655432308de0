import { readKeys, readKnob, readNumber } from './files.ts';

/**
 * What a cgroup has used and what was refused to it, the same shape from v1 and v2. A part is
 * undefined when the cgroup is in no hierarchy with that controller; a number is undefined when the
 * kernel does not count it, and for a limit, when there is none.
 */
export interface CgroupStats {
  readonly memory: MemoryStats | undefined;
  readonly cpu: CpuStats | undefined;
  readonly pids: PidsStats | undefined;
  /** One entry for each disk that was used. */
  readonly io: readonly IoStats[] | undefined;
}

/** Bytes, page cache included. */
export interface MemoryStats {
  readonly current: number;
  /** The most there ever was; v2 counts it since Linux 5.19. */
  readonly peak: number | undefined;
  readonly limit: number | undefined;
  /** Swap alone, without the memory. */
  readonly swapCurrent: number | undefined;
  readonly swapLimit: number | undefined;
  /** Processes that the kernel killed because the limit was reached. */
  readonly oomKills: number;
}

/** Times in microseconds, of all CPUs together. */
export interface CpuStats {
  readonly usage: number;
  readonly user: number;
  readonly system: number;
  /** How many periods with a quota there were, and in how many the cgroup had to stop. */
  readonly periods: number | undefined;
  readonly throttledPeriods: number | undefined;
  readonly throttledTime: number | undefined;
  readonly quota: number | undefined;
  readonly period: number | undefined;
}

/** Tasks: processes and their threads. */
export interface PidsStats {
  readonly current: number;
  readonly limit: number | undefined;
  /** How often a fork was refused because of the limit. */
  readonly refused: number;
}

export interface IoStats {
  /** `major:minor` */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** Readers of one cgroup directory for each version; all of them are undefined where it is missing. */
export const MEMORY = { 1: memoryV1, 2: memoryV2 };
export const PIDS = { 1: pids, 2: pids };
export const IO = { 1: ioV1, 2: ioV2 };

function memoryV1(at: string): MemoryStats | undefined {
  const current = readNumber(`${at}/memory.usage_in_bytes`);
  if (current === undefined) return undefined;
  const limit = readNumber(`${at}/memory.limit_in_bytes`);
  const both = readNumber(`${at}/memory.memsw.usage_in_bytes`);
  const bothLimit = readNumber(`${at}/memory.memsw.limit_in_bytes`);
  return {
    current,
    peak: readNumber(`${at}/memory.max_usage_in_bytes`),
    limit,
    // Read one after the other, so the difference may be off by what changed in between.
    swapCurrent: both === undefined ? undefined : Math.max(0, both - current),
    swapLimit: bothLimit === undefined || limit === undefined ? undefined : bothLimit - limit,
    oomKills: readKeys(`${at}/memory.oom_control`).oom_kill ?? 0,
  };
}

function memoryV2(at: string): MemoryStats | undefined {
  const current = readNumber(`${at}/memory.current`);
  if (current === undefined) return undefined;
  return {
    current,
    peak: readNumber(`${at}/memory.peak`),
    limit: readNumber(`${at}/memory.max`),
    swapCurrent: readNumber(`${at}/memory.swap.current`),
    swapLimit: readNumber(`${at}/memory.swap.max`),
    oomKills: readKeys(`${at}/memory.events`).oom_kill ?? 0,
  };
}

/** v1 has the use in one hierarchy (`cpuacct`) and the throttling in another (`cpu`). */
export function cpuV1(cpuacct: string | undefined, cpu: string | undefined): CpuStats | undefined {
  const used = (file: string) => micros(readNumber(`${cpuacct}/cpuacct.${file}`) ?? 0);
  const stat = cpu === undefined ? {} : readKeys(`${cpu}/cpu.stat`);
  if (cpuacct === undefined && cpu === undefined) return undefined;
  return {
    usage: used('usage'),
    user: used('usage_user'),
    system: used('usage_sys'),
    periods: stat.nr_periods,
    throttledPeriods: stat.nr_throttled,
    throttledTime: stat.throttled_time === undefined ? undefined : micros(stat.throttled_time),
    quota: cpu === undefined ? undefined : readNumber(`${cpu}/cpu.cfs_quota_us`),
    period: cpu === undefined ? undefined : readNumber(`${cpu}/cpu.cfs_period_us`),
  };
}

export function cpuV2(at: string): CpuStats | undefined {
  const stat = readKeys(`${at}/cpu.stat`);
  if (stat.usage_usec === undefined) return undefined;
  const [quota, period] = (readKnob(`${at}/cpu.max`) ?? '').split(' ');
  return {
    usage: stat.usage_usec,
    user: stat.user_usec ?? 0,
    system: stat.system_usec ?? 0,
    periods: stat.nr_periods,
    throttledPeriods: stat.nr_throttled,
    throttledTime: stat.throttled_usec,
    quota: quota === undefined || quota === '' || quota === 'max' ? undefined : Number(quota),
    period: period === undefined ? undefined : Number(period),
  };
}

function pids(at: string): PidsStats | undefined {
  const current = readNumber(`${at}/pids.current`);
  if (current === undefined) return undefined;
  const limit = readNumber(`${at}/pids.max`);
  return { current, limit, refused: readKeys(`${at}/pids.events`).max ?? 0 };
}

/** `8:0 Read 4096` lines, in one file for the bytes and one for the operations. */
function ioV1(at: string): IoStats[] | undefined {
  const lines = (file: string) =>
    readKnob(`${at}/blkio.throttle.${file}_recursive`)
      ?.split('\n')
      .map((line) => line.split(' '));
  const bytes = lines('io_service_bytes');
  const operations = lines('io_serviced');
  if (bytes === undefined) return undefined;
  const amount = (from: string[][] | undefined, device: string, what: string) =>
    Number(from?.find(([name, key]) => name === device && key === what)?.[2] ?? 0);
  const devices = new Set(bytes.flatMap(([name = '']) => (name.includes(':') ? name : [])));
  return [...devices].map((device) => ({
    device,
    readBytes: amount(bytes, device, 'Read'),
    writtenBytes: amount(bytes, device, 'Write'),
    reads: amount(operations, device, 'Read'),
    writes: amount(operations, device, 'Write'),
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …` */
function ioV2(at: string): IoStats[] | undefined {
  const lines = readKnob(`${at}/io.stat`)?.split('\n');
  return lines
    ?.filter((line) => line.includes('='))
    .map((line) => {
      const [device = '', ...pairs] = line.split(' ');
      const key = (name: string) =>
        Number(pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
      return {
        device,
        readBytes: key('rbytes'),
        writtenBytes: key('wbytes'),
        reads: key('rios'),
        writes: key('wios'),
      };
    });
}

function micros(nanoseconds: number): number {
  return Math.round(nanoseconds / 1000);
}
