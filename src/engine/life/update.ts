import { ClocheError } from '../../error.ts';
import type { LinuxResources } from '../../linux/cgroup/index.ts';
import type { Engine } from '../engine.ts';
import type { RunOptions } from '../options.ts';
import { resourcesOf } from '../start/resources.ts';
import { cgroupOfRunning } from './pause.ts';
import { isAlive } from './processes.ts';
import { getContainer, updateContainer } from './records.ts';

/** Limits of a container; what is not named stays as it is. A number of processes of -1 is no limit. */
export type Limits = Pick<
  RunOptions,
  | ('memory' | 'memorySwap' | 'memoryReservation' | 'pidsLimit')
  | ('cpus' | 'cpuQuota' | 'cpuPeriod' | 'cpuShares' | 'cpuset')
>;

/** Which limits one controller has, so that only those are written that are touched. */
const PARTS: Readonly<Record<'memory' | 'cpu' | 'pids', readonly (keyof Limits)[]>> = {
  memory: ['memory', 'memorySwap', 'memoryReservation'],
  cpu: ['cpus', 'cpuQuota', 'cpuPeriod', 'cpuShares', 'cpuset'],
  pids: ['pidsLimit'],
};

/**
 * docker's update: changes the limits of a container, in the kernel if it runs, and for all times
 * that it will be started.
 *
 * @throws {ClocheError} `CONTAINER_NOT_FOUND`, `LIMITS_MISSING`, `LIMITS_CONFLICT`; as `Cgroup.update`
 */
export function updateLimits(engine: Engine, name: string, limits: Limits): void {
  const said = Object.entries(limits).filter(([, value]) => value !== undefined);
  if (said.length === 0)
    throw new ClocheError(
      'LIMITS_MISSING',
      'you must provide one or more flags when using this command',
      {
        class: 'invalid-argument',
        hint: 'cloche update --memory 80m --cpus 0.5 box',
      },
    );
  const container = getContainer(engine, name);
  const options: RunOptions = {
    ...withoutOthers(container.options, limits),
    ...Object.fromEntries(said),
  };
  const whole = resourcesOf(options);
  if (isAlive(container)) cgroupOfRunning(engine, container).update(touched(whole, limits));
  // A limit that is lifted is none for the next start.
  const pidsLimit = (options.pidsLimit ?? 0) > 0 ? options.pidsLimit : undefined;
  updateContainer(engine, container.id, { options: JSON.stringify({ ...options, pidsLimit }) });
}

/** CPU time is said in one way or the other: the one that is said now takes the other's place. */
function withoutOthers(options: RunOptions, limits: Limits): RunOptions {
  const { cpus, cpuQuota, cpuPeriod, ...rest } = options;
  if (limits.cpus !== undefined) return rest;
  if (limits.cpuQuota !== undefined || limits.cpuPeriod !== undefined)
    return { ...rest, cpuQuota, cpuPeriod };
  return options;
}

function touched(whole: LinuxResources, limits: Limits): LinuxResources {
  const parts = (Object.keys(PARTS) as (keyof typeof PARTS)[]).filter((part) =>
    PARTS[part].some((key) => limits[key] !== undefined),
  );
  return Object.fromEntries(parts.map((part) => [part, whole[part]]));
}
