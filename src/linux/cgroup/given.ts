import type { LinuxResources } from './resources.ts';

/**
 * What is really asked for. Engines write 0 where they mean "not given", since Go's numbers are 0 when
 * nobody has set them, and `null` for lists and objects; runc takes both so. Where 0 is a wish, as for
 * huge pages, swappiness, or a throttled device, it stays.
 *
 * Source: runc's `libcontainer/cgroups/fs` and `fs2`.
 */
export function given(resources: LinuxResources): LinuxResources {
  const { memory, cpu, pids, blockIO, network } = resources;
  const weights = blockIO?.weightDevice?.map((device) => wishes(device, ['weight', 'leafWeight']));
  return wishes({
    ...resources,
    memory: memory && wishes(memory, ['limit', 'reservation', 'swap', 'kernel', 'kernelTCP']),
    cpu: cpu && wishes(cpu, ['shares', 'quota', 'period', 'realtimeRuntime', 'realtimePeriod']),
    pids: pids && wishes(pids, ['limit']),
    blockIO: blockIO && wishes({ ...blockIO, weightDevice: weights }, ['weight', 'leafWeight']),
    network: network && wishes(network, ['classID']),
  });
}

/** The same without what is null, and without those of `numbers` that are 0. */
function wishes<T extends object>(all: T, numbers: readonly (keyof T)[] = []): T {
  const wished = Object.entries(all).filter(
    ([key, value]) =>
      value !== null && value !== undefined && !(value === 0 && numbers.includes(key as keyof T)),
  );
  return Object.fromEntries(wished) as T;
}
