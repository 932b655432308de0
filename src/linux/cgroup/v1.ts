import { v1DeviceSettings } from './devices-v1.ts';
import { limitText, memorySwapOf, setting, unsupported } from './limits.ts';
import type { Driver } from './settings.ts';

/**
 * The driver of cgroup v1: each controller in a hierarchy of its own, each with its own words.
 *
 * Source: Documentation/admin-guide/cgroup-v1/ of the kernel.
 */
export const v1: Driver = {
  memory(memory, current) {
    const swap = memorySwapOf(memory);
    if (memory.kernel !== undefined)
      throw unsupported('memory.kernel', 1, 'the kernel counts it with memory.limit today');
    const limit = setting(
      'memory',
      'memory.limit_in_bytes',
      memory.limit,
      'memory, and not a byte more',
    );
    const both = setting('memory', 'memory.memsw.limit_in_bytes', swap, 'memory and swap together');
    // At every moment limit ≤ memory+swap must hold, so whichever moves away from the other goes first.
    const raises =
      current?.memorySwap !== undefined &&
      swap !== undefined &&
      (swap < 0 || swap > current.memorySwap);
    return [
      ...(raises ? [...both, ...limit] : [...limit, ...both]),
      ...setting(
        'memory',
        'memory.soft_limit_in_bytes',
        memory.reservation,
        'left to it when memory is tight',
      ),
      ...setting(
        'memory',
        'memory.kmem.tcp.limit_in_bytes',
        memory.kernelTCP,
        'bytes of TCP buffers',
      ),
      ...setting(
        'memory',
        'memory.swappiness',
        memory.swappiness,
        'how eagerly its memory is swapped',
      ),
      ...(memory.disableOOMKiller
        ? setting('memory', 'memory.oom_control', 1, 'sleep at the limit instead of being killed')
        : []),
    ];
  },

  cpu(cpu) {
    const idle = setting('cpu', 'cpu.idle', cpu.idle, 'runs only when nobody else wants to');
    const leaves = cpu.idle === 0;
    return [
      // An idle cgroup refuses shares, so it ends being idle first, or begins last.
      ...(leaves ? idle : []),
      ...setting('cpu', 'cpu.shares', cpu.shares, 'its part of the CPU when all want it'),
      ...setting(
        'cpu',
        'cpu.cfs_period_us',
        cpu.period,
        'microseconds after which the quota is new',
      ),
      ...setting('cpu', 'cpu.cfs_quota_us', cpu.quota, 'microseconds of CPU time in each period'),
      ...setting('cpu', 'cpu.cfs_burst_us', cpu.burst, 'unused microseconds that may be saved up'),
      ...setting('cpu', 'cpu.rt_period_us', cpu.realtimePeriod, 'the period of real-time tasks'),
      ...setting(
        'cpu',
        'cpu.rt_runtime_us',
        cpu.realtimeRuntime,
        'real-time microseconds in a period',
      ),
      ...(leaves ? [] : idle),
    ];
  },

  cpuset(cpu) {
    return [
      ...setting('cpuset', 'cpuset.cpus', cpu.cpus || undefined, 'the CPUs it may run on'),
      ...setting('cpuset', 'cpuset.mems', cpu.mems || undefined, 'the memory nodes it may use'),
    ];
  },

  pids({ limit }) {
    return setting(
      'pids',
      'pids.max',
      limitText(limit),
      'processes and threads: no fork bomb gets far',
    );
  },

  io(blockIO) {
    if (blockIO.leafWeight !== undefined || blockIO.weightDevice?.some((d) => d.leafWeight))
      throw unsupported('blockIO.leafWeight', 1, 'it was of the CFQ scheduler, which is gone');
    const throttle = (file: string, devices: typeof blockIO.throttleReadBpsDevice, what: string) =>
      (devices ?? []).flatMap(({ major, minor, rate }) =>
        setting('io', `blkio.throttle.${file}_device`, `${major}:${minor} ${rate}`, what),
      );
    return [
      ...setting(
        'io',
        'blkio.bfq.weight',
        blockIO.weight,
        'its part of the disks when all want them',
      ),
      ...(blockIO.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
        weight === undefined
          ? []
          : setting(
              'io',
              'blkio.bfq.weight_device',
              `${major}:${minor} ${weight}`,
              'its part of one disk',
            ),
      ),
      ...throttle('read_bps', blockIO.throttleReadBpsDevice, 'bytes it may read in a second'),
      ...throttle('write_bps', blockIO.throttleWriteBpsDevice, 'bytes it may write in a second'),
      ...throttle('read_iops', blockIO.throttleReadIOPSDevice, 'reads in a second'),
      ...throttle('write_iops', blockIO.throttleWriteIOPSDevice, 'writes in a second'),
    ];
  },

  hugetlb(limits) {
    return limits.flatMap(({ pageSize, limit }) => [
      ...setting('hugetlb', `hugetlb.${pageSize}.limit_in_bytes`, limit, 'huge pages in use'),
      ...setting(
        'hugetlb',
        `hugetlb.${pageSize}.rsvd.limit_in_bytes`,
        limit,
        'huge pages reserved by mmap',
      ),
    ]);
  },

  rdma(limits) {
    return Object.entries(limits).flatMap(([device, { hcaHandles, hcaObjects }]) => {
      const parts = [
        hcaHandles === undefined ? '' : ` hca_handle=${hcaHandles}`,
        hcaObjects === undefined ? '' : ` hca_object=${hcaObjects}`,
      ];
      return setting('rdma', 'rdma.max', `${device}${parts.join('')}`, 'resources of an RDMA card');
    });
  },

  network({ classID, priorities }) {
    return [
      ...setting('net_cls', 'net_cls.classid', classID, 'the mark on its packets'),
      ...(priorities ?? []).flatMap(({ name, priority }) =>
        setting(
          'net_prio',
          'net_prio.ifpriomap',
          `${name} ${priority}`,
          'the priority of its packets',
        ),
      ),
    ];
  },

  devices: v1DeviceSettings,
};
