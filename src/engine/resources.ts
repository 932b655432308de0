import { DEFAULT_DEVICE_RULES, type LinuxResources } from '../linux/cgroup/resources.ts';
import { deviceRules } from './devices.ts';
import type { RunOptions } from './options.ts';

/** The limits in OCI shape. Memory is without swap on top, unless some is asked for. */
export function resourcesOf(options: RunOptions): LinuxResources {
  const { memory, memorySwap, memoryReservation, cpus, cpuShares, cpuset, pidsLimit } = options;
  const quota = cpus === undefined ? {} : { period: 100_000, quota: Math.round(cpus * 100_000) };
  const cpu = { ...quota, ...cpuset, ...(cpuShares === undefined ? {} : { shares: cpuShares }) };
  const limit = memory === undefined ? {} : { limit: memory, swap: memorySwap ?? memory };
  const reserved = memoryReservation === undefined ? {} : { reservation: memoryReservation };
  const whole = { ...limit, ...reserved };
  return {
    ...(Object.keys(whole).length === 0 ? {} : { memory: whole }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
    devices: options.privileged
      ? [{ allow: true, access: 'rwm' }]
      : [{ allow: false, access: 'rwm' }, ...DEFAULT_DEVICE_RULES, ...deviceRules(options)],
  };
}
