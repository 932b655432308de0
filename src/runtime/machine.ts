import { lastCapability, ownCapabilities } from '../linux/capabilities.ts';
import { type HardLimits, ownHardLimits } from '../linux/rlimits.ts';
import type { Machine } from './birth/process.ts';

/** What this machine allows, read from `/proc`; its limits when they are first asked for, which few do. */
export function ownMachine(): Machine {
  let limits: HardLimits | undefined;
  return {
    capabilities: ownCapabilities(),
    lastCapability: lastCapability(),
    get hardLimits() {
      limits ??= ownHardLimits();
      return limits;
    },
  };
}
