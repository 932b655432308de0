import type { CgroupStats } from '../../linux/cgroup/index.ts';

type CpuStats = NonNullable<CgroupStats['cpu']>;
type MemoryStats = NonNullable<CgroupStats['memory']>;
type IoStats = NonNullable<CgroupStats['io']>[number];

/** The counters as `runc events` prints them: nanoseconds, and what is not counted is left out. Its `types/events.go`. */
export function runcStats({ cpu, memory, pids, io }: CgroupStats): object {
  return {
    cpu: cpu === undefined ? {} : cpuOf(cpu),
    memory: memory === undefined ? {} : memoryOf(memory),
    pids: pids === undefined ? {} : { current: pids.current, limit: pids.limit },
    blkio: io === undefined ? {} : blkioOf(io),
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  };
}

function cpuOf({ usage, user, system, periods, throttledPeriods, throttledTime }: CpuStats) {
  const nano = (micros: number | undefined) => (micros === undefined ? undefined : micros * 1000);
  return {
    usage: { total: nano(usage), kernel: nano(system), user: nano(user) },
    throttling: { periods, throttledPeriods, throttledTime: nano(throttledTime) },
  };
}

function memoryOf({ current, peak, limit, swapCurrent, swapLimit, oomKills }: MemoryStats) {
  // runc's swap is memory and swap together, as v1 counts them.
  const both = (swap: number | undefined, memory: number | undefined) =>
    swap === undefined || memory === undefined ? undefined : swap + memory;
  return {
    usage: { limit, usage: current, max: peak },
    swap: { limit: both(swapLimit, limit), usage: both(swapCurrent, current) },
    raw: { oom_kill: oomKills },
  };
}

function blkioOf(io: readonly IoStats[]) {
  const entries = (of: readonly (readonly [op: string, field: keyof Omit<IoStats, 'device'>])[]) =>
    io.flatMap((stat) => {
      const [major, minor] = stat.device.split(':').map(Number);
      return of.map(([op, field]) => ({ major, minor, op, value: stat[field] }));
    });
  return {
    ioServiceBytesRecursive: entries([
      ['Read', 'readBytes'],
      ['Write', 'writtenBytes'],
    ]),
    ioServicedRecursive: entries([
      ['Read', 'reads'],
      ['Write', 'writes'],
    ]),
  };
}
