import { ClocheError } from '../../error.ts';
import { limitText, memorySwapOf, setting, unsupported } from './limits.ts';
import type { BlockIOResources, MemoryResources } from './resources.ts';
import type { Driver, Setting } from './settings.ts';
import { v1 } from './v1.ts';

/**
 * The driver of cgroup v2: one tree, one vocabulary. The runtime-spec speaks v1's words, so some
 * are converted: shares to weight, memory+swap to swap alone.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst of the kernel.
 */
export const v2: Driver = {
  memory(memory) {
    refuseV1Memory(memory);
    const low = memory.reservation;
    return [
      ...setting('memory', 'memory.max', limitOf(memory.limit), 'memory, and not a byte more'),
      ...setting('memory', 'memory.swap.max', swapAlone(memory), 'swap beyond the memory'),
      ...setting('memory', 'memory.low', limitOf(low), 'left to it when memory is tight'),
    ];
  },

  cpu(cpu) {
    if (cpu.realtimeRuntime !== undefined || cpu.realtimePeriod !== undefined)
      throw unsupported('cpu.realtimeRuntime', 2, 'v2 does not control real-time tasks');
    const { shares, quota, period, burst } = cpu;
    const weight = shares ? weightFromShares(shares) : undefined;
    const limited = quota !== undefined || period !== undefined;
    const max = limited ? `${limitText(quota || -1)} ${period || 100_000}` : undefined;
    const idle = setting('cpu', 'cpu.idle', cpu.idle, 'runs only when nobody else wants to');
    const leaves = cpu.idle === 0;
    return [
      // An idle cgroup refuses a weight, so it ends being idle first, or begins last.
      ...(leaves ? idle : []),
      ...setting('cpu', 'cpu.weight', weight, 'its part of the CPU when all want it'),
      ...setting('cpu', 'cpu.max', max, 'microseconds of CPU time in each period'),
      ...setting('cpu', 'cpu.max.burst', burst, 'unused microseconds that may be saved up'),
      ...(leaves ? [] : idle),
    ];
  },

  // These files have the same names and take the same words in both versions.
  cpuset: v1.cpuset,
  pids: v1.pids,
  rdma: v1.rdma,

  io(blockIO) {
    if (blockIO.leafWeight !== undefined || blockIO.weightDevice?.some((d) => d.leafWeight))
      throw unsupported('blockIO.leafWeight', 2, 'it was of the CFQ scheduler, which is gone');
    const { weight, weightDevice = [] } = blockIO;
    return [
      ...setting('io', 'io.weight', weight && weightFromBlkio(weight), 'its part of the disks'),
      ...weightDevice.flatMap(({ major, minor, weight }) => {
        const line = weight && `${major}:${minor} ${weightFromBlkio(weight)}`;
        return setting('io', 'io.weight', line, 'its part of one disk');
      }),
      ...throttles(blockIO),
    ];
  },

  hugetlb(limits) {
    return limits.flatMap(({ pageSize, limit }) => [
      ...setting('hugetlb', `hugetlb.${pageSize}.max`, limitText(limit), 'huge pages in use'),
      ...setting(
        'hugetlb',
        `hugetlb.${pageSize}.rsvd.max`,
        limitText(limit),
        'huge pages reserved',
      ),
    ]);
  },

  network() {
    throw unsupported('network', 2, 'mark packets with an eBPF program or nftables instead');
  },
};

/**
 * A v1 share (2–262144, 1024 by itself) as a v2 weight (1–10000, 100 by itself), such that the ends
 * and the defaults meet: a quadratic curve over the logarithms. The older linear formula gave the
 * default 1024 the weight 39, so that containers lost against everybody else.
 *
 * Source: the conversion that runc and crun agreed on in 2025.
 */
export function weightFromShares(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  const exponent = (log * log + 125 * log) / 612 - 7 / 34;
  return Math.ceil(10 ** exponent);
}

/** A blkio weight (10–1000) as an io weight (1–10000), linearly. */
export function weightFromBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function throttles(blockIO: BlockIOResources): Setting[] {
  const lines = (key: string, devices: BlockIOResources['throttleReadBpsDevice'], why: string) =>
    (devices ?? []).flatMap(({ major, minor, rate }) =>
      setting('io', 'io.max', `${major}:${minor} ${key}=${rate}`, why),
    );
  return [
    ...lines('rbps', blockIO.throttleReadBpsDevice, 'bytes it may read in a second'),
    ...lines('wbps', blockIO.throttleWriteBpsDevice, 'bytes it may write in a second'),
    ...lines('riops', blockIO.throttleReadIOPSDevice, 'reads in a second'),
    ...lines('wiops', blockIO.throttleWriteIOPSDevice, 'writes in a second'),
  ];
}

/** v2 limits swap by itself: what memory+swap leaves beyond the memory. */
function swapAlone(memory: MemoryResources): string | undefined {
  const swap = memorySwapOf(memory);
  if (swap === undefined) return memory.limit === -1 ? 'max' : undefined;
  if (swap < 0) return 'max';
  if (memory.limit === undefined || memory.limit < 0)
    throw new ClocheError('CGROUP_RESOURCES_INVALID', `memory.swap '${swap}' has no memory.limit`, {
      class: 'invalid-argument',
      hint: 'swap is memory and swap together, so it can be limited only along with the memory.',
    });
  return String(swap - memory.limit);
}

function refuseV1Memory(memory: MemoryResources) {
  if (memory.kernel !== undefined)
    throw unsupported('memory.kernel', 2, 'memory.limit covers the kernel memory');
  if (memory.kernelTCP !== undefined)
    throw unsupported('memory.kernelTCP', 2, 'memory.limit covers the socket buffers');
  if (memory.swappiness !== undefined)
    throw unsupported('memory.swappiness', 2, 'limit memory.swap instead');
  if (memory.disableOOMKiller)
    throw unsupported('memory.disableOOMKiller', 2, 'set memory.high to slow down instead of kill');
}

/** 0 means "not given" to the engines that write these files, and would kill everything here. */
function limitOf(bytes: number | undefined): string | undefined {
  return bytes ? limitText(bytes) : undefined;
}
