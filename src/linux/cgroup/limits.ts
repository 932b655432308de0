import { ClocheError } from '../../error.ts';
import type { MemoryResources } from './resources.ts';
import type { Setting } from './settings.ts';

/** One setting, or none when there is no value to write. */
export function setting(
  controller: Setting['controller'],
  file: string,
  value: number | string | undefined,
  why: string,
): Setting[] {
  return value === undefined ? [] : [{ controller, file, content: String(value), why }];
}

/** `max` for a lifted limit (below zero), else the number. */
export function limitText(limit: number): string {
  return limit < 0 ? 'max' : String(limit);
}

/**
 * `memory.swap`, which is memory and swap together; undefined when not given (or 0, which engines
 * write for the same).
 *
 * @throws {ClocheError} `CGROUP_RESOURCES_INVALID`: it is less than the memory alone.
 */
export function memorySwapOf(memory: MemoryResources): number | undefined {
  const { swap, limit } = memory;
  if (swap === undefined || swap === 0) return undefined;
  if (swap > 0 && limit !== undefined && swap < limit)
    throw new ClocheError(
      'CGROUP_RESOURCES_INVALID',
      `memory.swap '${swap}' is less than memory.limit '${limit}'`,
      {
        class: 'invalid-argument',
        hint: 'swap counts memory and swap together; set it to the limit to forbid swapping.',
      },
    );
  return swap;
}

export function unsupported(field: string, version: 1 | 2, instead: string): ClocheError {
  return new ClocheError(
    'CGROUP_UNSUPPORTED',
    `'linux.resources.${field}' cannot be done on cgroup v${version}`,
    { class: 'unavailable', hint: `Leave it out: ${instead}.`, details: { field, version } },
  );
}
