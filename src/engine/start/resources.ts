import { ClocheError } from '../../error.ts';
import { DEFAULT_DEVICE_RULES, type LinuxResources } from '../../linux/cgroup/resources.ts';
import type { RunOptions } from '../options.ts';
import { deviceRules } from './devices.ts';

/** The limits in OCI shape. Memory is without swap on top, unless some is asked for. */
export function resourcesOf(options: RunOptions): LinuxResources {
  const { memory, memorySwap, memoryReservation, cpuShares, cpuset, pidsLimit } = options;
  const cpu = {
    ...timeOf(options),
    ...cpuset,
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
  };
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

/** @throws {ClocheError} `LIMITS_CONFLICT`, in docker's words */
function timeOf({ cpus, cpuQuota: quota, cpuPeriod: period }: RunOptions) {
  const said = {
    ...(quota === undefined ? {} : { quota }),
    ...(period === undefined ? {} : { period }),
  };
  if (cpus === undefined) return said;
  const [other] = Object.keys(said);
  if (other === undefined) return { period: 100_000, quota: Math.round(cpus * 100_000) };
  throw new ClocheError(
    'LIMITS_CONFLICT',
    `conflicting options: CPUs and CPU ${other} cannot both be set`,
    { class: 'invalid-argument', hint: '--cpus 0.5 is --cpu-quota 50000 of --cpu-period 100000' },
  );
}
